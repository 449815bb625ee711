#include "snakefile/evaluator_process.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "base/log.hpp"
#include "snakefile/batch_decoder.hpp"
#include "snakefile/evaluator_connection.hpp"
#include "snakefile/fields.hpp"
#include "snakefile/python.hpp"

namespace furrow::snakefile {

namespace {

using workflow::DetailQuestion;
using workflow::InputQuestion;
using workflow::JobView;

std::uint32_t rule_of(const JobView& job) { return job.rule; }
std::uint32_t rule_of(const InputQuestion& question) { return question.rule; }
std::uint32_t rule_of(const DetailQuestion& question) { return question.job.rule; }

// What the evaluator is doing, for errors: "preparing rules a, b".
template <class Question>
std::string about_rules(std::string_view doing, std::span<const Question> jobs,
                        const std::vector<std::string>& names) {
  std::set<std::uint32_t> rules;
  for (const Question& job : jobs) rules.insert(rule_of(job));
  std::string text(doing);
  std::size_t named = 0;
  for (const std::uint32_t rule : rules) {
    if (rule >= names.size()) continue;
    if (++named > 3) return text + ", ...";
    text += (named == 1 ? (rules.size() == 1 ? " rule " : " rules ") : ", ") + names[rule];
  }
  return text;
}

// The answers for COUNT jobs, decoded by DECODE. If there is no answer, each of them is the error.
template <class Each, class Decode>
std::vector<Each> for_each_job(const Result<Answer>& answer, std::size_t count, Decode decode) {
  if (!answer) return std::vector<Each>(count, fail(answer.error()));
  return decode(*answer->value);
}

}  // namespace

Result<std::unique_ptr<EvaluatorProcess>> EvaluatorProcess::start(EvaluatorOptions options) {
  const auto python = FURROW_TRY(find_python(options.python));
  const auto main_file = FURROW_TRY(find_evaluator(options.evaluator));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(system_error("cannot make a socket pair"));
  auto interpreter = Interpreter::start(python, main_file, ends[1], options.watchdog_fd, options.run);
  ::close(ends[1]);
  if (!interpreter) {
    ::close(ends[0]);
    return fail(interpreter.error());
  }
  FURROW_LOG(snakefile, info, "evaluator started as process {}: {} {}", (*interpreter)->pid(), python,
             main_file);
  auto connection =
      std::make_unique<EvaluatorConnection>(std::move(*interpreter), ends[0], std::move(options));
  return std::unique_ptr<EvaluatorProcess>(new EvaluatorProcess(std::move(connection)));
}

EvaluatorProcess::EvaluatorProcess(std::unique_ptr<EvaluatorConnection> connection)
    : connection_(std::move(connection)) {}
EvaluatorProcess::~EvaluatorProcess() = default;

void EvaluatorProcess::close() { connection_->close(); }

void EvaluatorProcess::attach(os::EventLoop& loop) { connection_->attach(loop); }
void EvaluatorProcess::detach() { connection_->detach(); }
int EvaluatorProcess::pid() const { return connection_->interpreter().pid(); }
const std::string& EvaluatorProcess::python() const { return connection_->interpreter().python(); }

// Loading the Snakefile.

Result<LoadAnswer> EvaluatorProcess::load(const LoadRequest& request) {
  const std::uint64_t id = connection_->new_id();
  return load(id, encode_load(id, request), "running " + request.snakefile);
}

std::string EvaluatorProcess::first_message(const LoadRequest& request) { return encode_load(1, request); }

Result<LoadAnswer> EvaluatorProcess::load_again(const std::string& message) {
  return load(connection_->new_id(), message, "running the Snakefile");
}

Result<LoadAnswer> EvaluatorProcess::load(std::uint64_t id, const std::string& message,
                                          const std::string& about) {
  const auto answer = connection_->ask({id, message, about});
  if (!answer) return fail(answer.error());
  auto decoded = decode_load(*answer->value);
  if (!decoded) return decoded;
  for (const workflow::Rule& rule : decoded->snakefile.rules) rule_names_.push_back(rule.name);
  FURROW_LOG(snakefile, info, "{} gave {} rules; Python {}, {}", about, decoded->snakefile.rules.size(),
             decoded->python_version, decoded->python);
  return decoded;
}

Result<void> EvaluatorProcess::hook(const std::string& name, const std::string& log_path) {
  const std::uint64_t id = connection_->new_id();
  // A hook may run because the run was stopped, so that stop must not end it.
  const auto answer = connection_->ask({id, encode_hook(id, name, log_path), "running " + name}, false);
  if (!answer) return fail(answer.error());
  return {};
}

Result<std::pair<std::string, bool>> EvaluatorProcess::text(const std::string& what) {
  const std::uint64_t id = connection_->new_id();
  const auto answer = connection_->ask({id, encode_text(id, what), "reading the Snakefile again"});
  if (!answer) return fail(answer.error());
  Fields fields;
  std::pair<std::string, bool> found{fields.text(*answer->value, "text"), fields.flag(*answer->value, "any")};
  if (!fields.ok()) return fail(fields.take_error());
  return found;
}

Result<ReportAnswer> EvaluatorProcess::report(const ReportQuestion& question) {
  const std::uint64_t id = connection_->new_id();
  const auto answer = connection_->ask({id, encode_report(id, question), "making the report"});
  if (!answer) return fail(answer.error());
  return decode_report(*answer->value);
}

Result<void> EvaluatorProcess::archive(const std::string& path, const std::string& page,
                                       const std::vector<std::pair<std::string, std::string>>& files) {
  const std::uint64_t id = connection_->new_id();
  const auto answer =
      connection_->ask({id, encode_archive(id, path, page, files), "writing the archive of the report"});
  if (!answer) return fail(answer.error());
  return {};
}

// Calling its functions, a batch at a time.

std::vector<workflow::InputAnswer> EvaluatorProcess::inputs(std::span<const InputQuestion> jobs) {
  const std::uint64_t id = connection_->new_id();
  const auto answer = connection_->ask(
      {id, encode_inputs(id, jobs), about_rules("asking input functions of", jobs, rule_names_)});
  return for_each_job<workflow::InputAnswer>(
      answer, jobs.size(), [&](const text::JsonValue& value) { return decode_inputs(value, jobs.size()); });
}

Result<void> EvaluatorProcess::finished(std::span<const std::string> outputs) {
  const std::uint64_t id = connection_->new_id();
  const auto answer =
      connection_->ask({id, encode_finished(id, outputs), "noting checkpoints that have run"});
  if (!answer) return fail(answer.error());
  return {};
}

Result<bool> EvaluatorProcess::has_queue_news() {
  const std::uint64_t id = connection_->new_id();
  const auto answer = connection_->ask({id, encode_queues(id), "looking at queues"});
  if (!answer) return fail(answer.error());
  Fields fields;
  const bool has_news = fields.flag(*answer->value, "news");
  if (!fields.ok()) return fail(fields.take_error());
  return has_news;
}

std::vector<Result<workflow::DetailAnswer>> EvaluatorProcess::details(std::span<const DetailQuestion> jobs) {
  const std::uint64_t id = connection_->new_id();
  const auto answer =
      connection_->ask({id, encode_details(id, jobs), about_rules("asking functions of", jobs, rule_names_)});
  return for_each_job<Result<workflow::DetailAnswer>>(
      answer, jobs.size(), [&](const text::JsonValue& value) { return decode_details(value, jobs); });
}

std::vector<Result<workflow::Preparation>> EvaluatorProcess::describe(std::span<const JobView> jobs) {
  const std::uint64_t id = connection_->new_id();
  const auto answer =
      connection_->ask({id, encode_jobs(id, "describe", jobs), about_rules("preparing", jobs, rule_names_)});
  return for_each_job<Result<workflow::Preparation>>(
      answer, jobs.size(), [&](const text::JsonValue& value) { return decode_preparations(value, jobs); });
}

std::vector<Result<workflow::SubmissionWords>> EvaluatorProcess::submission(std::span<const JobView> jobs,
                                                                            const std::string& text) {
  const std::uint64_t id = connection_->new_id();
  const auto answer = connection_->ask({id, encode_jobs(id, "submission", jobs, text),
                                        about_rules("preparing the submission of", jobs, rule_names_)});
  return for_each_job<Result<workflow::SubmissionWords>>(
      answer, jobs.size(),
      [&](const text::JsonValue& value) { return decode_submissions(value, jobs.size()); });
}

void EvaluatorProcess::prepare(std::span<const JobView> jobs, workflow::PrepareCallback done) {
  const std::uint64_t id = connection_->new_id();
  Request request{id, encode_jobs(id, "prepare", jobs), about_rules("preparing", jobs, rule_names_)};
  // The views are kept, since the payload of a forked job is made from them.
  std::vector<JobView> kept(jobs.begin(), jobs.end());
  auto callback = [kept = std::move(kept), done = std::move(done)](const Result<Answer>& answer) {
    done(for_each_job<Result<workflow::Preparation>>(
        answer, kept.size(), [&](const text::JsonValue& value) { return decode_preparations(value, kept); }));
  };
  if (connection_->is_attached()) {
    connection_->request(std::move(request), std::move(callback));
  } else {
    callback(connection_->ask(std::move(request)));
  }
}

// Forking children for its `run:` blocks.

void EvaluatorProcess::set_fork_listener(Listener* listener) { connection_->set_fork_listener(listener); }

void EvaluatorProcess::fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload,
                                  int out_fd, int err_fd) {
  const std::uint64_t id = connection_->new_id();
  const int descriptors[2] = {out_fd, err_fd};
  connection_->fork({id, encode_fork(id, tag, slot, payload), "forking a child for a run block"}, tag,
                    descriptors);
}

}  // namespace furrow::snakefile
