#include "harness/drift/survey.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "harness/base/redact.h"
#include "harness/drift/fit.h"

namespace harness::drift {
namespace {

constexpr std::size_t kHeldBack = 2000;  // lines of an invocation before it says its build
constexpr std::size_t kTexts = 200;      // different unexplained texts per invocation
constexpr std::size_t kTextLength = 240;

// Two lines that differ in numbers, ids or addresses alone are one text.
std::string text_of(const std::string& message) {
  std::string out;
  for (const char c : message.substr(0, 4 * kTextLength)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || out.empty() || out.back() != '#') {
      out += digit ? '#' : c;
    }
  }
  out = redact(out);
  if (out.size() > kTextLength) {
    std::size_t end = kTextLength;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) {
      --end;
    }
    out = out.substr(0, end) + " [cut]";
  }
  return out;
}

// "Starting rke2 [agent] v1.30.13-rc2+rke2r1 (<commit>)".
std::optional<std::pair<std::string, std::string>> build_of(const std::string& message) {
  for (const std::string_view start : {"Starting rke2 agent v", "Starting rke2 v"}) {
    if (message.starts_with(start)) {
      const std::size_t begin = start.size() - 1;
      const std::size_t end = std::min(message.find(' ', begin), message.size());
      const std::size_t open = message.find('(', end);
      const std::size_t close = message.find(')', end);
      return std::pair(message.substr(begin, end - begin),
                       open < close && close != std::string::npos
                           ? message.substr(open + 1, close - open - 1)
                           : std::string());
    }
  }
  return std::nullopt;
}

bool is_ready(const std::string& message) {
  return message == "rke2 is up and running" || message == "rke2 agent is up and running";
}

}  // namespace

// One invocation, from its first line on. Lines are held back until the build is known, since that
// decides which windows are expected.
class Survey::Running {
 public:
  Running(const Packs& packs, const journal::Entry& first);

  const std::string& id() const { return out_.id; }

  void feed(const journal::Entry& entry);
  Invocation finish();

 private:
  void decide();
  void judge(const journal::Entry& entry);
  void explain(const ReadLine& read);

  const Packs& packs_;
  Invocation out_;
  bool server_ = true;
  bool decided_ = false;
  bool pack_known_ = false;
  std::vector<journal::Entry> held_;
  std::unique_ptr<Follower> chosen_;
  std::vector<std::pair<std::string, Follower>> all_;
  std::map<std::string, std::size_t> texts_;
};

Survey::Running::Running(const Packs& packs, const journal::Entry& first) : packs_(packs) {
  out_.id = first.invocation;
  out_.boot_id = first.boot_id;
  out_.unit = first.unit;
  out_.started_wall_us = first.wall_us;
  out_.whole = first.ident == "systemd" || first.ident == "sh";
  server_ = first.unit != "rke2-agent.service";
}

void Survey::Running::feed(const journal::Entry& entry) {
  ++out_.lines;
  if (decided_) {
    judge(entry);
    return;
  }
  held_.push_back(entry);
  const event::Line line = event::parse_line(entry.message);
  if (entry.ident == "rke2") {
    if (const auto build = build_of(line.msg)) {
      std::tie(out_.build, out_.commit) = *build;
    }
  }
  if (!out_.build.empty() || held_.size() > kHeldBack) {
    decide();
  }
}

void Survey::Running::decide() {
  decided_ = true;
  for (const Packs::Line& line : packs_.lines) {
    all_.emplace_back(line.name, server_ ? line.server : line.agent);
  }
  if (const auto version = Version::parse(out_.build)) {
    if (const auto expected = packs_.of(*version, server_)) {
      chosen_ = std::make_unique<Follower>(*expected);
      out_.pack = fmt::format("{}.{}", version->major, version->minor);
      pack_known_ = true;
    }
  }
  if (!chosen_) {
    chosen_ = std::make_unique<Follower>(std::vector<Expected>());
  }
  for (const journal::Entry& entry : held_) {
    judge(entry);
  }
  held_.clear();
  held_.shrink_to_fit();
}

void Survey::Running::judge(const journal::Entry& entry) {
  ReadLine read{.entry = &entry, .line = event::parse_line(entry.message)};
  read.own = entry.ident == "rke2" && !read.line.truncated &&
             (read.line.shape == event::Shape::logrus ||
              read.line.shape == event::Shape::logrus_terminal ||
              read.line.shape == event::Shape::logrus_json);
  const bool open_before = chosen_->any_open();
  bool marker = chosen_->feed(read);
  for (auto& [name, follower] : all_) {
    follower.feed(read);
  }
  if (read.own && is_ready(read.line.msg)) {
    out_.ready = true;
  }
  const bool deadly = read.line.level == "fatal" || read.line.level == "panic";
  if (read.own && deadly) {
    out_.last_words = redact(read.line.msg).substr(0, 500);
  }
  marker = marker || build_of(read.line.msg).has_value();
  if (pack_known_ && read.own && !deadly && !marker && open_before) {
    explain(read);
  }
}

void Survey::Running::explain(const ReadLine& read) {
  const bool known = std::ranges::any_of(packs_.known, [&](const std::string& glob) {
    return event::glob_matches(glob, read.line.msg);
  });
  if (known) {
    return;
  }
  const std::string text = text_of(read.line.msg);
  const auto [at, fresh] = texts_.try_emplace(text, out_.unexplained.size());
  if (!fresh) {
    ++out_.unexplained[at->second].count;
  } else if (out_.unexplained.size() < kTexts) {
    out_.unexplained.push_back(
        {.window = chosen_->open_window(), .level = read.line.level, .text = text, .count = 1});
  } else {
    texts_.erase(at);
  }
}

Invocation Survey::Running::finish() {
  if (!decided_) {
    decide();
  }
  out_.windows = chosen_->windows();
  out_.not_visible = chosen_->not_visible();
  // A start that did not come to its end, or whose beginning is not here, owes nothing.
  if (out_.ready && out_.whole && pack_known_) {
    out_.missing = chosen_->missing();
  }
  const Fit own = chosen_->fit();
  int best = own.wanted == 0 ? -1000 : 2 * own.seen - own.wanted;
  for (const auto& [name, follower] : all_) {
    Fit fit = follower.fit();
    fit.line = name;
    const int score = 2 * fit.seen - fit.wanted;
    if (name != out_.pack && fit.wanted > 0 && score > best && out_.ready && out_.whole) {
      best = score;
      out_.best_pack = name;
    }
    out_.fits.push_back(std::move(fit));
  }
  return std::move(out_);
}

Survey::Survey(Packs packs, std::size_t keep) : packs_(std::move(packs)), keep_(keep) {}

Survey::~Survey() = default;

void Survey::feed(const journal::Entry& entry) {
  if (entry.invocation.empty()) {
    return;
  }
  auto& running = running_[entry.unit];
  if (running && running->id() != entry.invocation) {
    done_.push_back(running->finish());
    running.reset();
    if (done_.size() > keep_) {
      done_.pop_front();
    }
  }
  if (!running) {
    running = std::make_unique<Running>(packs_, entry);
    ++count_;
  }
  running->feed(entry);
}

std::deque<Invocation> Survey::finish() {
  for (auto& [unit, running] : running_) {
    done_.push_back(running->finish());
  }
  running_.clear();
  return std::move(done_);
}

}  // namespace harness::drift
