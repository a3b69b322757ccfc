// Tokens and kubeconfigs: server/token, agent-token, cred/passwd, cred/*.kubeconfig and the
// operator's rke2.yaml.
#pragma once

#include <string>

#include "harness/base/result.h"
#include "harness/lab/standin/config.h"
#include "harness/lab/standin/paths.h"

namespace harness::standin {

// The password is the one on disk, else the configuration's, else a random one.
Status write_tokens(const Paths& paths, const Config& config);
// For certificates that are already there; rke2.yaml anew at each start.
Status write_kubeconfigs(const Paths& paths, const Config& config);

std::string kubeconfig(const std::string& server,
                       const std::string& ca_path,
                       const std::string& certificate_path,
                       const std::string& key_path);

}  // namespace harness::standin
