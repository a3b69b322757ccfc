#include "harness/cluster/lease.h"

#include <array>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "harness/base/eventually.h"

namespace harness::cluster {
namespace {

constexpr std::chrono::seconds kOneRenewal{10};
constexpr std::chrono::seconds kLastRelease{2};

Json record_of(const LeaseTerms& terms) {
  return {{"cluster", terms.cluster},
          {"holder", terms.holder},
          {"epoch", terms.epoch},
          {"ttl_ms", terms.ttl.count()}};
}

}  // namespace

std::string default_holder() {
  const passwd* self = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format(
      "{}@{} pid {}", self != nullptr ? self->pw_name : "?", host.data(), ::getpid());
}

Lease::Lease(Node& node, LeaseTerms terms)
    : node_(node),
      terms_(std::move(terms)),
      good_until_(std::chrono::steady_clock::now() + terms_.ttl) {}

Result<std::unique_ptr<Lease>> Lease::acquire(Node& first_server,
                                              LeaseTerms terms,
                                              Deadline deadline) {
  std::unique_ptr<Lease> lease(new Lease(first_server, std::move(terms)));
  TRY(first_server.guard("lease-acquire", record_of(lease->terms_), deadline),
      "take the lease of " + lease->terms_.cluster);
  lease->renewal_ =
      std::jthread([self = lease.get()](const std::stop_token& stop) { self->renew_until(stop); });
  return lease;
}

Lease::~Lease() {
  renewal_.request_stop();
  if (renewal_.joinable()) {
    renewal_.join();
    static_cast<void>(release(Deadline::after(kLastRelease)));
  }
}

void Lease::renew_until(const std::stop_token& stop) {
  while (!paced(terms_.renew_every, stop)) {
    const SteadyTime asked = std::chrono::steady_clock::now();
    const auto renewed =
        node_.guard("lease-renew", record_of(terms_), Deadline::after(kOneRenewal));
    const std::lock_guard lock(mutex_);
    if (renewed) {
      good_until_ = asked + terms_.ttl;
      problem_.reset();
      continue;
    }
    problem_ = renewed.error();
    if (problem_->code() == ErrorCode::refused) {
      return;
    }
  }
}

Status Lease::held() const {
  const std::lock_guard lock(mutex_);
  if (problem_ && problem_->code() == ErrorCode::refused) {
    return fail(*problem_, "the lease of " + terms_.cluster + " is lost");
  }
  if (std::chrono::steady_clock::now() >= good_until_) {
    return fail(problem_ ? *problem_ : Error(ErrorCode::timed_out, "it was not renewed in time"),
                "the lease of " + terms_.cluster + " is lost");
  }
  return {};
}

Status Lease::release(Deadline deadline) {
  renewal_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    if (released_ || (problem_ && problem_->code() == ErrorCode::refused)) {
      return {};
    }
    released_ = true;
  }
  if (renewal_.joinable()) {
    renewal_.join();
  }
  TRY(node_.guard("lease-release", record_of(terms_), deadline),
      "release the lease of " + terms_.cluster);
  return {};
}

}  // namespace harness::cluster
