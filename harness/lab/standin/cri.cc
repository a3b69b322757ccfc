#include "harness/lab/standin/cri.h"

#include <fmt/format.h>

#include "harness/lab/standin/grpc.h"
#include "harness/lab/standin/proto.h"

namespace harness::standin {

namespace {

constexpr const char* kRuntime = "RuntimeService";
constexpr const char* kImage = "ImageService";

Sandbox sandbox(const proto::Message& message, std::uint32_t labels_field) {
  const proto::Message metadata = message.message(2);
  Sandbox out;
  out.id = message.text(1);
  out.name = metadata.text(1);
  out.uid = metadata.text(2);
  out.attempt = static_cast<std::uint32_t>(metadata.number(4));
  out.ready = message.number(3) == 0;
  out.created_at = static_cast<std::int64_t>(message.number(4));
  out.labels = message.map(labels_field);
  return out;
}

}  // namespace

Result<Cri> Cri::connect(const std::string& endpoint) {
  constexpr std::string_view scheme = "unix://";
  Cri cri(HttpClient::on_socket(endpoint.starts_with(scheme) ? endpoint.substr(scheme.size())
                                                             : endpoint));
  if (auto version = cri.call(kRuntime, "Version", proto::Writer().text(1, "0.1.0").bytes());
      !version) {
    return fail(version.error());
  }
  return cri;
}

Result<std::string> Cri::call(const std::string& service,
                              const std::string& method,
                              const std::string& message) {
  return grpc_call(
      client_, fmt::format("/runtime.v1.{}/{}", service, method), message, std::chrono::minutes(2));
}

Result<std::vector<Sandbox>> Cri::list(const std::map<std::string, std::string>& labels) {
  const proto::Writer filter = proto::Writer().map(3, labels);
  auto bytes = call(kRuntime, "ListPodSandbox", proto::Writer().message(1, filter).bytes());
  if (!bytes) {
    return fail(bytes.error());
  }
  auto answer = proto::Message::parse(*bytes);
  if (!answer) {
    return fail(answer.error());
  }
  std::vector<Sandbox> out;
  for (const auto item : answer->all(1)) {
    if (const auto one = proto::Message::parse(item)) {
      out.push_back(sandbox(*one, 5));
    }
  }
  return out;
}

Result<Sandbox> Cri::status(const std::string& id) {
  auto bytes = call(kRuntime, "PodSandboxStatus", proto::Writer().text(1, id).bytes());
  if (!bytes) {
    return fail(bytes.error());
  }
  auto answer = proto::Message::parse(*bytes);
  if (!answer) {
    return fail(answer.error());
  }
  return sandbox(answer->message(1), 7);
}

Status Cri::remove(const std::string& id) {
  auto bytes = call(kRuntime, "RemovePodSandbox", proto::Writer().text(1, id).bytes());
  if (!bytes) {
    return fail(bytes.error());
  }
  return {};
}

Result<std::vector<std::string>> Cri::images() {
  auto bytes = call(kImage, "ListImages", "");
  if (!bytes) {
    return fail(bytes.error());
  }
  auto answer = proto::Message::parse(*bytes);
  if (!answer) {
    return fail(answer.error());
  }
  std::vector<std::string> out;
  for (const auto image : answer->all(1)) {
    if (const auto one = proto::Message::parse(image)) {
      for (const auto tag : one->all(2)) {
        out.emplace_back(tag);
      }
    }
  }
  return out;
}

Result<bool> Cri::has_image(const std::string& reference) {
  const proto::Writer spec = proto::Writer().text(1, reference);
  auto bytes = call(kImage, "ImageStatus", proto::Writer().message(1, spec).bytes());
  if (!bytes) {
    return fail(bytes.error());
  }
  auto answer = proto::Message::parse(*bytes);
  return answer && answer->has(1);
}

}  // namespace harness::standin
