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
  done_.push_back(found->second->finish());
  running_.erase(found);
  if (done_.size() > keep_) {
    done_.pop_front();
  }
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

std::deque<Invocation> Survey::finish() {
  for (auto& [unit, running] : running_) {
    done_.push_back(running->finish());
  }
  running_.clear();
  return std::move(done_);
}

}  // namespace harness::drift
