#include "harness/ssh/sftp.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/ssh/sftp_wire.h"

namespace harness::ssh {
namespace {

using namespace sftp_wire;

// Every server takes 32 KiB; a hundred of them in flight fill any path between a controller and a
// lab.
constexpr std::size_t kBlock = 32u << 10;
constexpr std::size_t kInFlight = 128;
constexpr std::size_t kMostInPacket = 1u << 20;

}  // namespace

Sftp::~Sftp() {
  if (channel_) {
    channel_->abandon();
  }
}

Result<Sftp> Sftp::start(std::shared_ptr<Channel> channel, Deadline deadline) {
  Sftp sftp(std::move(channel));
  TRY(sftp.channel_->wait_open(deadline), "start SFTP");
  std::string version;
  put(version, 3u);
  TRY(sftp.send(kInit, version, deadline), "start SFTP");
  TRY_ASSIGN(const Reply reply, sftp.receive(deadline), "start SFTP");
  if (reply.type != kVersion) {
    return fail(ErrorCode::remote_failed, "start SFTP: the host's answer is not SFTP");
  }
  Reading extensions(reply.body);
  while (!extensions.done()) {
    const std::string_view name = extensions.text();
    extensions.text();
    sftp.posix_rename_ = sftp.posix_rename_ || name == "posix-rename@openssh.com";
    sftp.statvfs_ = sftp.statvfs_ || name == "statvfs@openssh.com";
  }
  return sftp;
}

Status Sftp::send(std::uint8_t type, std::string_view body, Deadline deadline) {
  std::string packet;
  packet.reserve(body.size() + 5);
  put(packet, static_cast<std::uint32_t>(body.size() + 1));
  packet += static_cast<char>(type);
  packet += body;
  return channel_->write(packet, deadline);
}

Result<Sftp::Reply> Sftp::receive(Deadline deadline) {
  const auto need = [&](std::size_t count) -> Status {
    while (input_.size() - input_at_ < count) {
      input_.erase(0, std::exchange(input_at_, 0));
      TRY_ASSIGN(const bool more, channel_->read(input_, deadline), "");
      if (!more) {
        return fail(ErrorCode::remote_failed,
                    "the host ended SFTP (is Subsystem sftp set in its sshd_config, and its "
                    "program there?)");
      }
    }
    return {};
  };
  TRY(need(4), "SFTP");
  Reading head(std::string_view(input_).substr(input_at_, 4));
  const std::size_t size = head.number();
  if (size < 5 || size > kMostInPacket) {
    return fail(ErrorCode::remote_failed,
                "SFTP: the host's answer is not SFTP (does its shell start-up print something?)");
  }
  TRY(need(4 + size), "SFTP");
  Reply reply;
  reply.type = static_cast<std::uint8_t>(input_[input_at_ + 4]);
  std::string_view body = std::string_view(input_).substr(input_at_ + 5, size - 1);
  reply.id = Reading(body).number();
  body.remove_prefix(4);
  reply.body = body;
  input_at_ += 4 + size;
  return reply;
}

Result<Sftp::Reply> Sftp::ask(std::uint8_t type, const std::string& arguments, Deadline deadline) {
  std::string body;
  const std::uint32_t id = next_id_++;
  put(body, id);
  body += arguments;
  TRY(send(type, body, deadline), "SFTP");
  while (true) {
    TRY_ASSIGN(Reply reply, receive(deadline), "SFTP");
    if (reply.id == id) {
      return reply;
    }
  }
}

Error Sftp::refusal(const Reply& reply, std::string_view doing) const {
  Reading reading(reply.body);
  const std::uint32_t code = reply.type == kStatus ? reading.number() : kFailure;
  std::string said(reply.type == kStatus ? reading.text() : "an unexpected answer");
  if (code == kNoSuchFile) {
    said = "no such file or folder";
  } else if (code == kPermissionDenied) {
    said = "permission denied";
  }
  return {ErrorCode::remote_failed, fmt::format("{}: {}", doing, said)};
}

Status Sftp::expect_ok(Result<Reply> reply, std::string_view doing) {
  if (!reply) {
    return fail(std::move(reply).error(), doing);
  }
  if (reply->type != kStatus || Reading(reply->body).number() != kOk) {
    return fail(refusal(*reply, doing));
  }
  return {};
}

Result<std::string> Sftp::open(const std::string& path,
                               std::uint32_t flags,
                               int mode,
                               Deadline deadline) {
  std::string arguments;
  put(arguments, std::string_view(path));
  put(arguments, flags);
  put(arguments, (flags & kOpenCreate) != 0 ? kHasPermissions : 0u);
  if ((flags & kOpenCreate) != 0) {
    put(arguments, static_cast<std::uint32_t>(mode));
  }
  TRY_ASSIGN(const Reply reply, ask(kOpen, arguments, deadline), path);
  if (reply.type != kHandle) {
    return fail(refusal(reply, path));
  }
  return std::string(Reading(reply.body).text());
}

Status Sftp::write_all(const std::string& handle, const Source& source, Deadline deadline) {
  std::uint64_t offset = 0;
  std::size_t in_flight = 0;
  std::string block;
  bool more = true;
  while (more || in_flight > 0) {
    if (more && in_flight < kInFlight) {
      block.clear();
      TRY(source(block), "read the content");
      more = !block.empty();
      for (std::size_t at = 0; at < block.size(); at += kBlock) {
        const std::string_view part = std::string_view(block).substr(at, kBlock);
        std::string body;
        body.reserve(part.size() + 64);
        put(body, next_id_++);
        put(body, std::string_view(handle));
        put64(body, offset);
        put(body, part);
        TRY(send(kWrite, body, deadline), "");
        offset += part.size();
        ++in_flight;
      }
      continue;
    }
    TRY(expect_ok(receive(deadline), "write"), "");
    --in_flight;
  }
  return {};
}

Status Sftp::rename_over(const std::string& from, const std::string& to, Deadline deadline) {
  std::string arguments;
  if (posix_rename_) {
    put(arguments, std::string_view("posix-rename@openssh.com"));
  } else if (auto gone = remove(to, deadline);
             !gone && gone.error().code() != ErrorCode::remote_failed) {
    return gone;
  }
  put(arguments, std::string_view(from));
  put(arguments, std::string_view(to));
  return expect_ok(ask(posix_rename_ ? kExtended : kRename, arguments, deadline), "rename");
}

std::string Sftp::space_left(const std::string& path, Deadline deadline) {
  if (!statvfs_) {
    return "";
  }
  std::string arguments;
  put(arguments, std::string_view("statvfs@openssh.com"));
  const auto folder = std::filesystem::path(path).parent_path().string();
  put(arguments, std::string_view(folder.empty() ? "." : folder));
  const auto reply = ask(kExtended, arguments, deadline);
  if (!reply || reply->type != kExtendedReply) {
    return "";
  }
  Reading reading(reply->body);
  reading.number64();
  const std::uint64_t fragment = reading.number64();
  reading.number64();
  reading.number64();
  const std::uint64_t available = reading.number64();
  return reading.bad ? "" : fmt::format(" ({} MB free there)", fragment * available / 1'000'000);
}

Status Sftp::write(const std::string& path,
                   const std::string& temporary,
                   int mode,
                   const Source& source,
                   Deadline deadline) {
  TRY_ASSIGN(const std::string handle,
             open(temporary, kOpenWrite | kOpenCreate | kOpenNew, mode, deadline),
             "");
  std::string close;
  put(close, std::string_view(handle));
  auto written = write_all(handle, source, deadline);
  if (written) {
    written = expect_ok(ask(kClose, close, deadline), "close");
  }
  if (written) {
    written = rename_over(temporary, path, deadline);
  }
  if (written) {
    return {};
  }
  Error problem = written.error();
  // Answers to writes still in flight come before these; they are passed over by their number.
  const Deadline soon = deadline.at_most(std::chrono::seconds(5));
  if (problem.code() == ErrorCode::remote_failed) {
    problem = Error(problem.code(), problem.message() + space_left(temporary, soon));
  }
  if (problem.code() != ErrorCode::unreachable && problem.code() != ErrorCode::timed_out) {
    static_cast<void>(remove(temporary, soon));
  }
  return fail(std::move(problem), path);
}

Result<std::string> Sftp::read(const std::string& path, std::size_t cap, Deadline deadline) {
  TRY_ASSIGN(const std::string handle, open(path, kOpenRead, 0, deadline), "");
  std::string content;
  while (true) {
    std::string arguments;
    put(arguments, std::string_view(handle));
    put64(arguments, content.size());
    put(arguments, static_cast<std::uint32_t>(kBlock * 4));
    TRY_ASSIGN(const Reply reply, ask(kRead, arguments, deadline), path);
    if (reply.type != kData) {
      if (reply.type == kStatus && Reading(reply.body).number() == kEof) {
        return content;
      }
      return fail(refusal(reply, path));
    }
    content += Reading(reply.body).text();
    if (content.size() > cap) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{}: it is larger than {} bytes", path, cap));
    }
  }
}

Status Sftp::remove(const std::string& path, Deadline deadline) {
  std::string arguments;
  put(arguments, std::string_view(path));
  return expect_ok(ask(kRemove, arguments, deadline), path);
}

Result<std::string> Sftp::absolute(const std::string& path, Deadline deadline) {
  std::string arguments;
  put(arguments, std::string_view(path));
  TRY_ASSIGN(const Reply reply, ask(kRealpath, arguments, deadline), path);
  Reading reading(reply.body);
  if (reply.type != kName || reading.number() < 1) {
    return fail(refusal(reply, path));
  }
  return std::string(reading.text());
}

}  // namespace harness::ssh
