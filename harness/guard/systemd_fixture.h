// A systemctl and a systemd-run that keep units as files in a folder. For tests only.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {

class FakeSystemd {
 public:
  // `before_each`: of sh, run before each answer of the two.
  FakeSystemd(const TestFolder& folder, const FakeTools& tools, std::string before_each = {})
      : folder_(folder.path() / "systemd"), tools_(tools), before_each_(std::move(before_each)) {
    std::filesystem::create_directories(folder_ / "units");
    install("");
  }

  bool has(const std::string& unit) const {
    return std::filesystem::exists(folder_ / "units" / unit);
  }

  void add(const std::string& unit) const { std::ofstream(folder_ / "units" / unit) << "x"; }

  void remove(const std::string& unit) const { std::filesystem::remove(folder_ / "units" / unit); }

  std::vector<std::string> units() const {
    std::vector<std::string> out;
    for (const auto& item : std::filesystem::directory_iterator(folder_ / "units")) {
      out.push_back(item.path().filename().string());
    }
    return out;
  }

  void main_pid(int pid) const { std::ofstream(folder_ / "main-pid") << pid; }

  void refuse_start() const { std::ofstream(folder_ / "no-start") << "x"; }

  void allow_start() const { std::filesystem::remove(folder_ / "no-start"); }

  // As under SELinux: what waits for nothing is active all the same.
  void refuse_to_execute() const { std::ofstream(folder_ / "no-exec") << "x"; }

  void answer_slowly() const { install("/bin/sleep 0.02"); }

 private:
  void install(const std::string& first) const {
    const std::string units = (folder_ / "units").string();
    const std::string start = before_each_ + "\n" + first + "\ncd " + units + "\n";
    tools_.answer("systemctl", start + R"(for last; do :; done
case "$*" in
is-active*) if [ -e "$last" ]; then echo active; else echo inactive; exit 3; fi;;
is-enabled*) ;;
*ActiveState*) if [ -e "$last" ]; then echo active; else echo inactive; fi;;
*MainPID*) cat ../main-pid;;
stop*) case "$last" in hookshot-*|rke2-*) rm -f "$last";; esac;;
start*) [ -e ../no-start ] && { echo 'Job failed.' >&2; exit 1; }
  case "$last" in hookshot-*) ;; *) : > "$last";; esac;;
list-units*) for unit in hookshot-*; do [ -e "$unit" ] && echo "$unit loaded active x"; done;;
esac
exit 0)");
    tools_.answer("systemd-run", start + R"(kind=service
for word; do case "$word" in --unit=*) unit=${word#--unit=};; --on-active=*) kind=timer;;
--wait) [ -e ../no-exec ] && exit 203; exit 0;; esac; done
: > "$unit.$kind")");
  }

  std::filesystem::path folder_;
  const FakeTools& tools_;
  std::string before_each_;
};

// A node in a folder, whose systemd does what is asked and no more.
class NodeInFolder {
 protected:
  TestFolder folder_;
  FakeTools tools_{folder_.path()};
  FakeSystemd systemd_{folder_, tools_};
  Disk disk_{folder_};
  Store store_{disk_.places()};
};

}  // namespace harness::guard
