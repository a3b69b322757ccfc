#include "harness/drift/survey.h"

#include <algorithm>
#include <memory>

#include "harness/drift/running.h"
#include "harness/drift/text.h"

namespace harness::drift {

Survey::Survey(Packs packs, std::size_t keep, const std::vector<std::string>& names)
    : packs_(std::move(packs)), keep_(keep), names_(std::make_unique<Names>()) {
  for (const std::string& name : names) {
    names_->add(name);
  }
}

Survey::~Survey() = default;

void Survey::keep(Invocation one) {
  done_.push_back(std::move(one));
  if (done_.size() <= keep_) {
    return;
  }
  const Invocation& oldest = done_.front();
  ++unshown_.count;
  unshown_.drifted += oldest.drifts() ? 1 : 0;
  unshown_.proved += oldest.proves() ? 1 : 0;
  unshown_.whole += oldest.whole ? 1 : 0;
  unshown_.whole_and_ready += oldest.whole && oldest.ready ? 1 : 0;
  unshown_.without_text += oldest.without_text;
  done_.pop_front();
}

// Ends those before it. In text, only a later line of an invocation may name its unit.
Survey::Open& Survey::open(const journal::Entry& entry) {
  const auto before = std::ranges::stable_partition(open_, [&](const Open& one) {
    return one.host != entry.host || (one.unit != entry.unit && !one.unit.empty());
  });
  for (Open& one : before) {
    keep(one.running->finish());
  }
  open_.erase(before.begin(), before.end());
  ++count_;
  names_->add(entry.host);
  open_.push_back({.host = entry.host,
                   .unit = entry.unit,
                   .running = std::make_unique<Running>(packs_, *names_, entry)});
  return open_.back();
}

void Survey::feed(const journal::Entry& entry) {
  if (entry.invocation.empty()) {
    return;
  }
  const auto at = std::ranges::find_if(
      open_, [&](const Open& one) { return one.running->id() == entry.invocation; });
  Open& one = at == open_.end() ? open(entry) : *at;
  if (!entry.host.empty() && one.host != entry.host) {
    one.host = entry.host;
    names_->add(entry.host);
  }
  one.running->feed(entry);
}

void Survey::lose() {
  for (Open& one : open_) {
    one.running->lose();
  }
}

std::deque<Invocation> Survey::finish() {
  for (Open& one : open_) {
    keep(one.running->finish());
  }
  open_.clear();
  return std::move(done_);
}

}  // namespace harness::drift
