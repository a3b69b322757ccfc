#include "harness/run/diagnostics.h"

#include <fstream>

#include <fmt/format.h>

#include "harness/base/redact.h"

namespace harness::run {
namespace {

struct Source {
  std::string file;
  exec::Command command;
};

std::vector<Source> sources(const cluster::Node& node) {
  return {{"journal.log",
           {.argv = {"journalctl",
                     "--no-pager",
                     "-o",
                     "short-precise",
                     "--since",
                     "-30min",
                     "-n",
                     "4000",
                     "-u",
                     node.unit()}}},
          {"hookshot.log",
           {.argv = {"journalctl",
                     "--no-pager",
                     "-o",
                     "short-precise",
                     "--since",
                     "-30min",
                     "-t",
                     "hookshot"}}},
          {"kubelet.log",
           {.argv = {"tail", "-n", "1500", node.data_dir() + "/agent/logs/kubelet.log"}}},
          {"containerd.log",
           {.argv = {"tail", "-n", "500", node.data_dir() + "/agent/containerd/containerd.log"}}}};
}

}  // namespace

void collect_diagnostics(cluster::Cluster& cluster,
                         const std::filesystem::path& directory,
                         Deadline deadline) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  for (cluster::Node* node : cluster.nodes()) {
    for (const Source& source : sources(*node)) {
      const auto result = node->run(source.command, deadline.at_most(std::chrono::seconds(15)));
      std::ofstream out(directory / fmt::format("{}-{}", node->name(), source.file),
                        std::ios::binary);
      out << (result ? redact(result->out) + redact(result->err)
                     : "not fetched: " + redact(result.error().message()))
          << "\n";
    }
  }
}

}  // namespace harness::run
