// What a lab needs of this machine, and what it changes on it and puts back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/exec/runner.h"
#include "harness/lab/address_plan.h"
#include "harness/lab/lab.h"

namespace harness::lab {

// not_supported with everything that is missing, and how to get it: root, Debian or Ubuntu, the
// programs.
Status check_host();

// not_supported, with what is missing for a virtual machine.
Status check_vm_host();

// The part of check_host that judges: `os_release` is the text of /etc/os-release.
std::vector<std::string> missing_on(bool root,
                                    std::string_view os_release,
                                    const std::vector<std::string>& programs);

// kubelet sets kernel parameters that no namespace keeps apart. The values of before are kept while
// any lab is up, and put back when the last one goes.
Status save_kernel_parameters();
Status restore_kernel_parameters();

// systemd-nspawn wants /run/systemd/nspawn. Made by the first lab where it is missing, and removed
// by the last one when it is empty and ours.
Status make_nspawn_folder(const std::filesystem::path& folder = "/run/systemd/nspawn");
void remove_nspawn_folder(const std::filesystem::path& folder = "/run/systemd/nspawn");

Status make_bridge(exec::CommandRunner& runner, const AddressPlan& plan);
// True when it was there.
Result<bool> remove_bridge(exec::CommandRunner& runner, const AddressPlan& plan);
// The subnets that links of this machine use.
Result<std::set<int>> used_subnets(exec::CommandRunner& runner);

}  // namespace harness::lab
