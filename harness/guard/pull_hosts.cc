#include "harness/guard/pull_hosts.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::size_t kMostOfHosts = 64U << 10U;
constexpr std::size_t kMostOfConfig = 1U << 20U;
constexpr std::string_view kMirrors = ".registry.mirrors";

Result<std::string> text_of_file(const std::string& file, std::size_t most) {
  auto text = read_whole(file, most);
  if (text) {
    return text;
  }
  return fail(ErrorCode::not_supported,
              fmt::format("{}, so where containerd pulls from cannot be told; nothing was touched",
                          text.error().message()));
}

// As images name it.
std::string name_of(const HostPort& registry) {
  const std::string host = registry.host == "index.docker.io" ? "docker.io"
                           : registry.host.find(':') != std::string::npos
                               ? "[" + registry.host + "]"
                               : registry.host;
  return registry.port == 0 ? host : fmt::format("{}:{}", host, registry.port);
}

// Do the mirrors below this header of config.toml belong to another registry?
bool is_of_another(std::string_view header, const std::string& name) {
  std::string_view rest = header.substr(header.find(kMirrors) + kMirrors.size());
  if (rest.starts_with(']')) {
    return true;  // of none: theirs are headers of their own
  }
  if (!rest.starts_with('.')) {
    return false;
  }
  rest.remove_prefix(1);
  const auto quoted = take_string(rest);
  const std::string of = quoted ? *quoted : take_word(rest);
  return !of.empty() && of != name && of != "*" && (rest.starts_with(']') || rest.starts_with('.'));
}

// Where containerd looks for directories of registries.
Result<std::string> root_of(const std::string& file, const std::string& name, std::string root) {
  if (!there(file)) {
    return root;
  }
  TRY_ASSIGN(const std::string text, text_of_file(file, kMostOfConfig), "mirrors");
  std::istringstream lines(text);
  std::string_view wrong;
  bool of_registry = false;
  int number = 0;
  for (std::string all; wrong.empty() && std::getline(lines, all);) {
    ++number;
    std::string_view line = trimmed(all);
    if (line.starts_with('[')) {
      of_registry = line.find(".registry]") != std::string_view::npos;
      if (line.find(kMirrors) != std::string_view::npos && !is_of_another(line, name)) {
        wrong = "mirrors are set here, not in a hosts.toml";
      }
    } else if (of_registry && take_word(line) == "config_path") {
      line = trimmed(line);
      line.remove_prefix(line.starts_with('=') ? 1 : 0);
      line = trimmed(line);
      const auto path = take_string(line);
      if (!path || (!path->empty() && !is_plain_path(*path)) || path->find(':') != path->npos) {
        wrong = "config_path is no plain path";
      } else if (!path->empty()) {
        root = *path;
      }
    }
  }
  if (!wrong.empty()) {
    return fail(
        ErrorCode::not_supported,
        fmt::format("{}:{}: {}, so where containerd pulls from cannot be told; nothing was "
                    "touched. Mirrors are read from certs.d alone, where newer releases have them",
                    file,
                    number,
                    wrong));
  }
  return root;
}

// The first that is there, as containerd looks for them.
std::string directory_of(const std::string& name, const std::string& root) {
  std::string of_port = name;
  if (const std::size_t colon = name.rfind(':'); colon != std::string::npos && colon > 0) {
    of_port = fmt::format("{}_{}_", name.substr(0, colon), name.substr(colon + 1));
  }
  for (const std::string& directory : {of_port, name, std::string("_default")}) {
    if (there(root + "/" + directory)) {
      return root + "/" + directory;
    }
  }
  return {};
}

bool is_the_registry(const PullHost& mirror, const PullHost& registry) {
  const std::vector<std::string> names = names_behind(registry.host);
  return (mirror.host == registry.host || std::ranges::find(names, mirror.host) != names.end()) &&
         mirror.scheme == registry.scheme &&
         std::ranges::find(registry.ports, mirror.ports.front()) != registry.ports.end();
}

}  // namespace

std::vector<std::string> names_behind(const std::string& host) {
  // Where its manifests, tokens and layers come from.
  return host == "docker.io" || host == "index.docker.io"
             ? std::vector<std::string>{"registry-1.docker.io",
                                        "auth.docker.io",
                                        "production.cloudflare.docker.com"}
             : std::vector<std::string>{host};
}

Result<std::vector<PullHost>> pull_hosts(const HostPort& registry, const std::string& data_dir) {
  std::vector<PullHost> out{
      {.host = registry.host,
       .ports = registry.port == 0 ? std::vector<int>{443, 80} : std::vector<int>{registry.port},
       .scheme = registry.port == 80 ? "http" : "https",
       .named_by = {}}};
  const std::string name = name_of(registry);
  const std::string own = data_dir + "/agent/etc/containerd";
  TRY_ASSIGN(const std::string root,
             root_of(own + "/config.toml", name, own + "/certs.d"),
             "mirrors of " + name);
  const std::string directory = directory_of(name, root);
  const std::string file = directory + "/hosts.toml";
  if (directory.empty() || !there(file)) {
    return out;
  }
  TRY_ASSIGN(const std::string text, text_of_file(file, kMostOfHosts), "mirrors of " + name);
  TRY_ASSIGN(std::vector<PullHost> mirrors, hosts_in(text, file), "mirrors of " + name);
  std::erase_if(mirrors, [&](const PullHost& one) { return is_the_registry(one, out.front()); });
  std::ranges::move(mirrors, std::back_inserter(out));
  return out;
}

}  // namespace harness::guard
