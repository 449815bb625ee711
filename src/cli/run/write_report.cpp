#include "cli/run/write_report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/workflow_session.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "report/jobs.hpp"
#include "report/page.hpp"
#include "text/json.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

// The rules that have jobs, in the order of the Snakefile, and which needs files of which.
void add_graph(WorkflowSession& session, snakefile::ReportQuestion& question) {
  const workflow::Dag& dag = session.dag();
  std::set<workflow::RuleId> used;
  std::set<std::pair<workflow::RuleId, workflow::RuleId>> links;
  for (const workflow::NodeId node : dag.order()) {
    used.insert(dag.node(node).rule);
    for (const workflow::FileId file : dag.inputs(node)) {
      if (const workflow::NodeId maker = dag.producer(file); maker != workflow::kNoNode)
        links.emplace(dag.node(maker).rule, dag.node(node).rule);
    }
  }
  std::map<workflow::RuleId, std::uint32_t> places;
  for (const workflow::RuleId rule : used) {
    places.emplace(rule, static_cast<std::uint32_t>(question.rules.size()));
    question.rules.push_back(session.rules()[rule].rule.name);
  }
  for (const auto& [start, end] : links) question.links.emplace_back(places.at(start), places.at(end));
}

snakefile::ReportQuestion question_about(WorkflowSession& session) {
  snakefile::ReportQuestion question;
  question.is_archive = session.options().report.ends_with(".zip");
  question.metadata = session.options().report_metadata;
  question.envvars = session.options().envvars;
  add_graph(session, question);
  for (const workflow::NodeId node : session.dag().order()) {
    if (session.rules()[session.dag().node(node).rule].rule.is_reported)
      question.jobs.push_back(workflow::view_of(session.dag(), session.rules(), node));
  }
  return question;
}

// Of the jobs of the workflow; those of rules that only collect files have none.
Result<std::vector<store::JobRecord>> records_of(WorkflowSession& session) {
  std::vector<store::JobRecord> records;
  if (!session.store()) return records;
  for (const workflow::NodeId node : session.dag().order()) {
    auto record =
        FURROW_TRY(session.store()->find(workflow::record_key(session.dag(), session.rules(), node)));
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

// What the page says of itself.
std::string facts_about(WorkflowSession& session, bool is_archive) {
  std::map<std::string, int> jobs;
  for (const workflow::NodeId node : session.dag().order())
    ++jobs[session.rules()[session.dag().node(node).rule].rule.name];
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  json.Key("made");
  json.Double(os::wall_seconds());
  text::write_text(json, "folder", os::current_directory());
  text::write_text(json, "version", FURROW_VERSION);
  json.Key("archive");
  json.Bool(is_archive);
  json.Key("due");
  json.Uint64(session.staleness().count());
  json.Key("jobs");
  json.StartObject();
  for (const auto& [rule, count] : jobs) {
    text::write_key(json, rule);
    json.Int(count);
  }
  json.EndObject();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

// Where the file of a result lies in an archive: report_href() of scripts counts on it.
std::string place_in_archive(const snakefile::ReportedFile& file, const std::string& name) {
  return "data/raw/" + file.id + "/" + name;
}

Result<void> write_archive(WorkflowSession& session, const report::Page& page,
                           const std::vector<snakefile::ReportedFile>& reported) {
  const std::string& path = session.options().report;
  std::vector<std::pair<std::string, std::string>> files;
  for (const snakefile::ReportedFile& file : reported) {
    files.emplace_back(file.path, place_in_archive(file, file.name));
    for (const auto& [other, name] : file.others) files.emplace_back(other, place_in_archive(file, name));
  }
  const std::string written = path + ".page." + std::to_string(::getpid());
  FURROW_TRY(report::write_page(written, page));
  return session.evaluator().archive(path, written, files);
}

std::string title() {
  const std::string folder = os::current_directory();
  return "Report of " + folder.substr(folder.rfind('/') + 1);
}

Result<std::string> made_report(WorkflowSession& session) {
  const std::string& path = session.options().report;
  const auto question = question_about(session);
  const auto answer = FURROW_TRY(session.evaluator().report(question));
  const auto records = FURROW_TRY(records_of(session));
  report::Page page;
  page.title = title();
  if (const std::string& style = session.options().report_stylesheet; !style.empty())
    page.stylesheet = FURROW_TRY(os::read_file(style));
  page.data = {{"about", facts_about(session, question.is_archive)},
               {"workflow", answer.facts},
               {"jobs", report::jobs_json(records, report::Redactor(answer.secrets))}};
  FURROW_TRY(os::make_parent(path));
  for (const snakefile::ReportedFile& file : answer.files)
    if (file.is_in_page) page.files.emplace_back(file.id, file.path);
  FURROW_TRY(question.is_archive ? write_archive(session, page, answer.files)
                                 : report::write_page(path, page));
  return fmt::format("{} has {} and {}, {:.1f} MB", path, count_of(answer.files.size(), "result"),
                     count_of(records.size(), "job"), static_cast<double>(os::status(path).size) / 1e6);
}

}  // namespace

int write_report(WorkflowSession& session) {
  const auto made = made_report(session);
  if (!made) return report_error(made.error());
  if (session.options().quiet_all) return 0;
  print_message(stderr, "furrow: " + *made);
  if (const std::size_t due = session.staleness().count(); due > 0)
    print_message(stderr,
                  fmt::format("furrow: note: {} {} due (furrow run -n); the report shows what is there",
                              count_of(due, "job"), due == 1 ? "is" : "are"));
  return 0;
}

}  // namespace furrow::cli
