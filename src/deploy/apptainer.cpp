#include "deploy/apptainer.hpp"

#include "os/files/files.hpp"

namespace furrow::deploy {

std::string Apptainer::place(const std::string& image) const {
  if (is_image_file(image)) return image;
  const std::string path = prefix_ + "/" + image_hash(image);
  const bool is_sif = !os::status(path + ".simg").exists() && os::status(path + ".sif").exists();
  return path + (is_sif ? ".sif" : ".simg");
}

std::vector<std::vector<std::string>> Apptainer::pull(const std::string& image,
                                                      const std::string& file) const {
  return {{program_, "pull", "--name", file, image}};
}

ContainerCommand Apptainer::command(const ContainerJob& job) const {
  ContainerCommand command{.before = {program_, "exec", "--home", job.home}, .after = {}};
  std::vector<std::string>& words = command.after;
  if (job.directory != job.home) words.insert(words.end(), {"--pwd", job.directory});
  for (const std::string& folder : job.folders) {
    // It shows these of the host by itself.
    if (folder.starts_with("/tmp/") || folder == "/tmp" || folder == "/var/tmp") continue;
    words.insert(words.end(), {"--bind", folder});
  }
  words.push_back(job.image);
  words.insert(words.end(), job.argv.begin(), job.argv.end());
  return command;
}

}  // namespace furrow::deploy
