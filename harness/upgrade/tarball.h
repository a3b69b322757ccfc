// The install method `tarball`: the release's own install.sh, on artifacts that were verified here
// and copied to the node first. Nothing is downloaded.
#pragma once

#include "harness/upgrade/artifacts.h"
#include "harness/upgrade/install_method.h"

namespace harness::upgrade {

class Tarball final : public InstallMethod {
 public:
  Tarball(std::filesystem::path root, std::unique_ptr<exec::CommandRunner> runner);

  std::string_view name() const override { return "tarball"; }

  Status verify(const Version& version) const override;
  Status clear(cluster::Node& node, Deadline deadline) const override;

  using InstallMethod::install;
  Result<Installed> install(cluster::Node& node,
                            const Version& version,
                            Deadline deadline,
                            std::stop_token stop) const override;

 private:
  Artifacts artifacts_;
};

}  // namespace harness::upgrade
