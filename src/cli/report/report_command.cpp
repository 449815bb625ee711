#include "cli/report/report_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"
#include "report/page.hpp"
#include "report/runs/run_texts.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kHelp =
    "furrow report - what ran in a folder, when, how long it waited and worked\n"
    "\n"
    "usage: furrow report [OPTIONS] [DIR]\n"
    "\n"
    "DIR is the folder in which furrow run works or has worked (default: this one). Its store is read, but "
    "not\n"
    "changed: a run that goes on is not disturbed, and neither the Snakefile nor Python is needed.\n"
    "\n"
    "  --format FORMAT    html: a page with a timeline, the critical path and all jobs (default)\n"
    "                     json, csv: the same for programs, on standard output\n"
    "  -o,--output FILE   where to write it (default for html: run-report.html; - is standard output)\n"
    "  --run RUN          another run than the last one: the beginning of its id\n"
    "  --commands         with the commands of jobs, which may hold secrets\n"
    "  -h,--help          print this help\n";

constexpr const char* kDefaultPage = "run-report.html";

struct ReportArgs {
  std::string directory = ".", format = "html", output, run;
  bool with_commands = false, is_help = false;
};

// The mistake, or nothing.
std::string parse(const std::vector<std::string>& arguments, ReportArgs& args) {
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", args.is_help);
  app.add_option("dir", args.directory);
  app.add_option("--format", args.format)->check(CLI::IsMember({"html", "json", "csv"}));
  app.add_option("-o,--output", args.output);
  app.add_option("--run", args.run);
  app.add_flag("--commands", args.with_commands);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    return error.what();
  }
  return {};
}

std::string title_of(const std::string& folder) { return "Run in " + folder.substr(folder.rfind('/') + 1); }

Result<void> write_text(const std::string& path, const std::string& text) {
  if (path.empty() || path == "-") {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return fail(system_error("cannot write to standard output"));
    return {};
  }
  auto file = FURROW_TRY(os::ReplacingFile::create(path));
  FURROW_TRY(file->write(text));
  return file->finish();
}

Result<void> write_page_of(const report::RunPicture& picture, const report::PictureTexts& about,
                           const std::string& path) {
  report::Page page;
  page.kind = report::PageKind::kRun;
  page.title = title_of(about.folder);
  page.data = report::page_data(picture, about);
  if (path == "-") {
    const std::string text = FURROW_TRY(report::page_text(page));
    return write_text(path, text);
  }
  FURROW_TRY(os::make_parent(path));
  return report::write_page(path, page);
}

Result<std::size_t> make_report(const ReportArgs& args) {
  const double now = os::wall_seconds();
  std::string folder = os::absolute(args.directory);
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const auto picture =
      FURROW_TRY(report::picture_of(args.directory + "/.furrow", {args.run, args.with_commands, now}));
  const report::PictureTexts about{folder, FURROW_VERSION, now};
  if (args.format == "html") {
    const std::string path = args.output.empty() ? kDefaultPage : args.output;
    FURROW_TRY(write_page_of(picture, about, path));
    if (path != "-")
      print_message(stderr,
                    "furrow: " + path + " has " + count_of(picture.jobs.size(), "job") +
                        (picture.has_journal ? ""
                                             : "; there is no journal of the run: of its waits, cores and "
                                               "reasons nothing is known"));
  } else {
    FURROW_TRY(write_text(
        args.output, args.format == "json" ? report::run_json(picture, about) : report::run_csv(picture)));
  }
  return picture.damaged;
}

}  // namespace

int report_command(const std::vector<std::string>& arguments) {
  ReportArgs args;
  if (const std::string mistake = parse(arguments, args); !mistake.empty()) {
    print_message(stderr, "furrow report: " + one_line(mistake) + "; see furrow report --help");
    return 2;
  }
  if (args.is_help) return std::fputs(kHelp, stdout) < 0;
  const auto damaged = make_report(args);
  if (!damaged) return report_error(damaged.error());
  if (*damaged == 0) return 0;
  return report_error(Error{count_of(*damaged, "record") + " of the store " + args.directory + "/.furrow " +
                                (*damaged == 1 ? "is" : "are") + " damaged and not in the report",
                            "", 0, "The next furrow run makes what they were about again."});
}

}  // namespace furrow::cli
