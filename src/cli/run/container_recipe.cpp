#include "cli/run/container_recipe.hpp"

#include <cstdio>
#include <map>
#include <set>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/software_setup.hpp"
#include "deploy/conda_file.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

constexpr std::string_view kBase = "FROM condaforge/miniforge3:latest\n";
constexpr std::string_view kLabel = "LABEL io.github.snakemake.containerized=\"true\"\n";
// Where a run looks for an environment in such an image, by the hash of what it is made from.
const std::string kEnvironments = "/conda-envs/";

// Both in quotes, since a path may have blanks.
std::string copy(const std::string& from, const std::string& to) {
  std::string quoted;
  for (const char c : from) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return "COPY [\"" + quoted + "\", \"" + to + "\"]\n";
}

// An instruction ends with its line, so each line of the file is a word.
std::string write(const std::string& content, const std::string& to) {
  std::string text = "RUN mkdir -p " + shell_quote(os::parent_of(to)) + " && printf '%s\\n'";
  const bool ends_line = content.ends_with('\n');
  for (const std::string& line : split(content.substr(0, content.size() - ends_line), '\n'))
    text += " \\\n    " + shell_quote(line);
  return text + " > " + shell_quote(to) + "\n";
}

// The instructions that make one environment.
class EnvironmentRecipe {
 public:
  EnvironmentRecipe(const deploy::CondaFile& file, const std::string& folder)
      : file_(file),
        folder_(folder),
        sources_(kEnvironments + "sources/" + file.content_hash() + "/"),
        prefix_(kEnvironments + file.content_hash()) {}

  Result<std::string> text() {
    text_ = "\n# " + shown(file_.path) + "\n";
    add(file_.path, file_.content, "environment.yaml");
    for (const std::string& name : file_.requirements) {
      const std::string path = os::parent_of(file_.path) + "/" + name;
      add(path, FURROW_TRY(os::read_file(path)), name);
    }
    if (!file_.pins.empty()) add(file_.pins, file_.pins_content, "pins.txt");
    if (!file_.post_deploy.empty()) add(file_.post_deploy, file_.post_deploy_content, "post-deploy.sh");
    const std::string create = file_.pins.empty()
                                   ? "conda env create --yes --file " + sources_ + "environment.yaml"
                                   : "conda create --yes --file " + sources_ + "pins.txt";
    text_ += "RUN " + create + " --prefix " + prefix_ + " && conda clean --all --yes\n";
    if (!file_.post_deploy.empty())
      text_ +=
          "RUN conda run --prefix " + prefix_ + " " + interpreter() + " " + sources_ + "post-deploy.sh\n";
    return text_;
  }

 private:
  std::string shown(const std::string& path) const {
    return path.starts_with(folder_ + "/") ? path.substr(folder_.size() + 1) : path;
  }

  void add(const std::string& path, const std::string& content, const std::string& name) {
    const bool is_below = path.starts_with(folder_ + "/") && path.find("/../") == std::string::npos;
    text_ += is_below ? copy(shown(path), sources_ + name) : write(content, sources_ + name);
  }

  std::string interpreter() const {
    const std::string& text = file_.post_deploy_content;
    return text.starts_with("#!") ? text.substr(2, text.find('\n') - 2) : "sh";
  }

  const deploy::CondaFile& file_;
  const std::string& folder_;
  const std::string sources_, prefix_;
  std::string text_;
};

}  // namespace

Result<std::string> container_recipe(const std::vector<deploy::Environment>& environments,
                                     const std::string& folder) {
  std::map<std::string, deploy::CondaFile> files;  // by path, so that the recipe is always the same
  for (const deploy::Environment& each : environments) {
    if (each.kind != deploy::Environment::Kind::kCondaFile)
      return fail(Error{
          "--containerize: " + each.shown + " was made by somebody else, so that a recipe cannot make it", "",
          0, "Let the rules name a YAML file: conda env export prints one."});
    files.emplace(each.address, FURROW_TRY(deploy::CondaFile::read(each.address)));
  }
  if (files.empty())
    return fail(Error{"--containerize: no job of the workflow has a conda environment", "", 0,
                      "Give targets whose jobs have one."});
  std::string text(kBase);
  text += kLabel;
  std::set<std::string> made;
  for (const auto& [path, file] : files)
    if (made.insert(file.content_hash()).second) text += FURROW_TRY(EnvironmentRecipe(file, folder).text());
  return text;
}

int print_container_recipe(WorkflowSession& session) {
  const std::vector<deploy::Environment> environments = conda_environments(session);
  const std::vector<std::string> unknown = rules_without_answer(session, Which::kAllJobs);
  if (!unknown.empty())
    return report_error(Error{"--containerize: " + unknown.front(), "", 0,
                              "A recipe is for environments that are known before the workflow runs."});
  const auto text = container_recipe(environments, os::current_directory());
  if (!text) return report_error(text.error());
  print_message(stdout, text->substr(0, text->size() - 1));
  return 0;
}

}  // namespace furrow::cli
