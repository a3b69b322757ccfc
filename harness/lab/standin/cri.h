// The container runtime interface, runtime.v1, as far as the stand-in asks: sandboxes and images.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/http_client.h"

namespace harness::standin {

struct Sandbox {
  std::string id;
  std::string name;
  std::string uid;  // of the pod
  bool ready = false;
  std::int64_t created_at = 0;
  std::uint32_t attempt = 0;
  std::map<std::string, std::string> labels;
};

// What the static pod sync asks of a runtime.
class SandboxRuntime {
 public:
  virtual ~SandboxRuntime() = default;
  virtual Result<std::vector<Sandbox>> list(const std::map<std::string, std::string>& labels) = 0;
  virtual Result<Sandbox> status(const std::string& id) = 0;
  virtual Status remove(const std::string& id) = 0;
};

class Cri final : public SandboxRuntime {
 public:
  // Errors when nothing answers there. `endpoint` is a path, or unix:// and a path.
  static Result<Cri> connect(const std::string& endpoint);

  Result<std::vector<Sandbox>> list(const std::map<std::string, std::string>& labels) override;
  Result<Sandbox> status(const std::string& id) override;
  Status remove(const std::string& id) override;

  Result<std::vector<std::string>> images();
  Result<bool> has_image(const std::string& reference);

 private:
  explicit Cri(HttpClient client) : client_(std::move(client)) {}

  Result<std::string> call(const std::string& service,
                           const std::string& method,
                           const std::string& message);
  HttpClient client_;
};

}  // namespace harness::standin
