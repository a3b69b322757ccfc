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

void Survey::end(const std::string& unit) {
  const auto found = running_.find(unit);
  if (found == running_.end()) {
    return;
  }
  keep(found->second->finish());
  running_.erase(found);
}

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

void Survey::feed(const journal::Entry& entry) {
  if (entry.invocation.empty()) {
    return;
  }
  if (entry.host != host_) {
    host_ = entry.host;
    names_->add(host_);
  }
  // Text may name the unit only in a later line of the same invocation.
  auto at = std::ranges::find_if(
      running_, [&](const auto& one) { return one.second->id() == entry.invocation; });
  if (at == running_.end()) {
    end(entry.unit);
    end("");
    at = running_.emplace(entry.unit, std::make_unique<Running>(packs_, *names_, entry)).first;
    ++count_;
  }
  at->second->feed(entry);
}

void Survey::lose() {
  for (auto& [unit, running] : running_) {
    running->lose();
  }
}

std::deque<Invocation> Survey::finish() {
  for (auto& [unit, running] : running_) {
    keep(running->finish());
  }
  running_.clear();
  return std::move(done_);
}

}  // namespace harness::drift
