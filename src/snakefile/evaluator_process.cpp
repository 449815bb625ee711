#include "snakefile/evaluator_process.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "snakefile/batch_decoder.hpp"
#include "snakefile/dialogue.hpp"
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
template <class Job>
std::string about_rules(std::string_view doing, std::span<const Job> jobs,
                        const std::vector<std::string>& names) {
  std::set<std::uint32_t> rules;
  for (const Job& job : jobs) rules.insert(rule_of(job));
  std::string text(doing);
  std::size_t named = 0;
  for (const std::uint32_t rule : rules) {
    if (rule >= names.size()) continue;
    if (++named > 3) return text + ", ...";
    text += (named == 1 ? (rules.size() == 1 ? " rule " : " rules ") : ", ") + names[rule];
  }
  return text;
}

// What DECODE makes of the answer for COUNT jobs; where there is none, the reason for each of them.
template <class Each, class Decode>
std::vector<Each> for_each_job(const Result<Answer>& answer, std::size_t count, Decode decode) {
  if (!answer) return std::vector<Each>(count, fail(answer.error()));
  return decode(*answer->value);
}

}  // namespace

Result<std::unique_ptr<EvaluatorProcess>> EvaluatorProcess::start(EvaluatorOptions options) {
  const auto python = find_python(options.python);
  if (!python) return fail(python.error());
  const auto main_file = find_evaluator(options.evaluator);
  if (!main_file) return fail(main_file.error());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(system_error("cannot make a socket pair"));
  auto interpreter = Interpreter::start(*python, *main_file, ends[1], options.guard_fd);
  ::close(ends[1]);
  if (!interpreter) {
    ::close(ends[0]);
    return fail(interpreter.error());
  }
  auto dialogue = std::make_unique<Dialogue>(std::move(*interpreter), ends[0], std::move(options));
  return std::unique_ptr<EvaluatorProcess>(new EvaluatorProcess(std::move(dialogue)));
}

EvaluatorProcess::EvaluatorProcess(std::unique_ptr<Dialogue> dialogue) : dialogue_(std::move(dialogue)) {}
EvaluatorProcess::~EvaluatorProcess() = default;

void EvaluatorProcess::attach(os::EventLoop& loop) { dialogue_->attach(loop); }
void EvaluatorProcess::detach() { dialogue_->detach(); }
int EvaluatorProcess::pid() const { return dialogue_->interpreter().pid(); }
const std::string& EvaluatorProcess::python() const { return dialogue_->interpreter().python(); }

// The Snakefile.

Result<LoadAnswer> EvaluatorProcess::load(const LoadRequest& request) {
  const std::uint64_t id = dialogue_->new_id();
  return load(id, encode_load(id, request), "running " + request.snakefile);
}

std::string EvaluatorProcess::first_message(const LoadRequest& request) { return encode_load(1, request); }

Result<LoadAnswer> EvaluatorProcess::load_again(const std::string& message) {
  return load(dialogue_->new_id(), message, "running the Snakefile");
}

Result<LoadAnswer> EvaluatorProcess::load(std::uint64_t id, const std::string& message,
                                          const std::string& about) {
  const auto answer = dialogue_->ask({id, message, about});
  if (!answer) return fail(answer.error());
  auto decoded = decode_load(*answer->value);
  if (!decoded) return decoded;
  for (const workflow::Rule& rule : decoded->snakefile.rules) rule_names_.push_back(rule.name);
  return decoded;
}

Result<void> EvaluatorProcess::hook(const std::string& name, const std::string& log_path) {
  const std::uint64_t id = dialogue_->new_id();
  // A hook may be what follows a request to stop; only a new one ends it.
  const auto answer = dialogue_->ask({id, encode_hook(id, name, log_path), "running " + name}, false);
  if (!answer) return fail(answer.error());
  return {};
}

// Its functions, a batch at a time.

std::vector<workflow::InputAnswer> EvaluatorProcess::inputs(std::span<const InputQuestion> jobs) {
  const std::uint64_t id = dialogue_->new_id();
  const auto answer = dialogue_->ask(
      {id, encode_inputs(id, jobs), about_rules("asking input functions of", jobs, rule_names_)});
  return for_each_job<workflow::InputAnswer>(
      answer, jobs.size(), [&](const JsonValue& value) { return decode_inputs(value, jobs.size()); });
}

std::vector<Result<workflow::DetailAnswer>> EvaluatorProcess::details(std::span<const DetailQuestion> jobs) {
  const std::uint64_t id = dialogue_->new_id();
  const auto answer =
      dialogue_->ask({id, encode_details(id, jobs), about_rules("asking functions of", jobs, rule_names_)});
  return for_each_job<Result<workflow::DetailAnswer>>(
      answer, jobs.size(), [&](const JsonValue& value) { return decode_details(value, jobs); });
}

std::vector<Result<workflow::Preparation>> EvaluatorProcess::describe(std::span<const JobView> jobs) {
  const std::uint64_t id = dialogue_->new_id();
  const auto answer =
      dialogue_->ask({id, encode_jobs(id, "describe", jobs), about_rules("preparing", jobs, rule_names_)});
  return for_each_job<Result<workflow::Preparation>>(
      answer, jobs.size(), [&](const JsonValue& value) { return decode_preparations(value, jobs); });
}

std::vector<Result<workflow::SubmissionWords>> EvaluatorProcess::submission(std::span<const JobView> jobs,
                                                                            const std::string& text) {
  const std::uint64_t id = dialogue_->new_id();
  const auto answer = dialogue_->ask({id, encode_jobs(id, "submission", jobs, text),
                                      about_rules("preparing the submission of", jobs, rule_names_)});
  return for_each_job<Result<workflow::SubmissionWords>>(
      answer, jobs.size(), [&](const JsonValue& value) { return decode_submissions(value, jobs.size()); });
}

void EvaluatorProcess::prepare(std::span<const JobView> jobs, workflow::PrepareCallback done) {
  const std::uint64_t id = dialogue_->new_id();
  Request request{id, encode_jobs(id, "prepare", jobs), about_rules("preparing", jobs, rule_names_)};
  // The payload of a forked job is made from what was asked, so that is kept.
  std::vector<JobView> kept(jobs.begin(), jobs.end());
  auto callback = [kept = std::move(kept), done = std::move(done)](const Result<Answer>& answer) {
    done(for_each_job<Result<workflow::Preparation>>(
        answer, kept.size(), [&](const JsonValue& value) { return decode_preparations(value, kept); }));
  };
  if (dialogue_->is_attached()) {
    dialogue_->request(std::move(request), std::move(callback));
  } else {
    callback(dialogue_->ask(std::move(request)));
  }
}

// The children in which its `run:` blocks run.

void EvaluatorProcess::set_fork_listener(Listener* listener) { dialogue_->set_fork_listener(listener); }

void EvaluatorProcess::fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload,
                                  int out_fd, int err_fd) {
  const std::uint64_t id = dialogue_->new_id();
  const int descriptors[2] = {out_fd, err_fd};
  dialogue_->fork({id, encode_fork(id, tag, slot, payload), "forking a child for a run block"}, tag,
                  descriptors);
}

}  // namespace furrow::snakefile
