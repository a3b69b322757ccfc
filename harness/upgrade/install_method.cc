#include "harness/upgrade/install_method.h"

#include <fmt/format.h>

#include "harness/exec/local_runner.h"
#include "harness/upgrade/tarball.h"

namespace harness::upgrade {

Result<std::unique_ptr<InstallMethod>> make_install_method(std::string_view method,
                                                           std::filesystem::path artifacts) {
  if (method != "tarball") {
    return fail(ErrorCode::invalid_input,
                fmt::format("there is no install method '{}'; there is tarball", method));
  }
  return std::unique_ptr<InstallMethod>(
      std::make_unique<Tarball>(std::move(artifacts), std::make_unique<exec::LocalRunner>()));
}

}  // namespace harness::upgrade
