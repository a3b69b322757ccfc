#include "harness/drift/running.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/redact.h"

namespace harness::drift {
namespace {

constexpr std::size_t kHeldBack = 2000;  // lines of an invocation before it says its build
constexpr std::size_t kTexts = 200;      // different texts without explanation per invocation
constexpr std::size_t kTextLength = 240;
constexpr std::size_t kLastWords = 500;
constexpr std::string_view kAgent = "rke2-agent.service";

// Secrets are known by their digits, their ends and the names in them: they go first.
std::string without_secrets(std::string_view message) {
  return cut(without_digits(redact(message)), 4 * kTextLength);
}

}  // namespace

Running::Running(const Packs& packs, Names& names, const journal::Entry& first)
    : packs_(packs), names_(names) {
  out_.id = first.invocation;
  out_.boot_id = first.boot_id;
  out_.started_wall_us = first.wall_us;
}

// systemd may warn of left-over processes before it says that it starts the unit.
void Running::note_begin(const journal::Entry& entry) {
  if (out_.unit.empty()) {
    out_.unit = entry.unit;
  }
  const bool begins =
      (entry.ident == "systemd" && entry.message.starts_with("Starting ")) || entry.ident == "sh";
  out_.whole = out_.whole || (begins && own_lines_ == 0);
  own_lines_ += entry.ident == "rke2" ? 1 : 0;
}

void Running::feed(const journal::Entry& entry) {
  ++out_.lines;
  note_begin(entry);
  if (decided_) {
    judge(entry);
    return;
  }
  held_.push_back(entry);
  if (entry.ident == "rke2") {
    if (const auto build = build_of(event::parse_line(entry.message).msg)) {
      out_.build = build->tag;
      out_.commit = build->commit;
      if (out_.unit.empty()) {
        out_.unit = build->agent ? std::string(kAgent) : "rke2-server.service";
      }
    }
  }
  if (!out_.build.empty() || held_.size() > kHeldBack) {
    decide();
  }
}

void Running::lose() {
  if (decided_) {
    judge_gap();
    return;
  }
  held_.emplace_back();
  if (held_.size() > kHeldBack) {
    decide();
  }
}

void Running::decide() {
  decided_ = true;
  const bool server = out_.unit != kAgent;
  for (const Packs::Line& line : packs_.lines) {
    all_.emplace_back(line.name, server ? line.server : line.agent);
  }
  if (const auto version = Version::parse(out_.build)) {
    if (const auto expected = packs_.of(*version, server)) {
      chosen_ = std::make_unique<Follower>(*expected);
      out_.pack = fmt::format("{}.{}", version->major, version->minor);
      pack_known_ = true;
    }
  }
  if (!chosen_) {
    chosen_ = std::make_unique<Follower>(std::vector<Expected>());
  }
  for (const auto& entry : held_) {
    entry ? judge(*entry) : judge_gap();
  }
  held_.clear();
  held_.shrink_to_fit();
}

void Running::judge_gap() {
  out_.gaps += chosen_->any_open() || !out_.ready ? 1 : 0;
  chosen_->lose();
}

void Running::judge(const journal::Entry& entry) {
  const bool inside = chosen_->any_open();
  const bool sure = chosen_->any_surely_open();
  if (entry.without_text) {
    out_.without_text += inside || !out_.ready ? 1 : 0;
    known_lines_ += entry.ident == "rke2" ? 1 : 0;
    chosen_->lose();
    return;
  }
  ReadLine read{.entry = &entry, .line = event::parse_line(entry.message)};
  const bool known_form = read.line.shape == event::Shape::logrus ||
                          read.line.shape == event::Shape::logrus_terminal ||
                          read.line.shape == event::Shape::logrus_json;
  read.own = entry.ident == "rke2" && known_form && !read.line.truncated;
  const bool marker = chosen_->feed(read) || build_of(read.line.msg).has_value();
  for (auto& [name, follower] : all_) {
    follower.feed(read);
  }
  if (entry.ident == "systemd" && entry.message.starts_with("Started ")) {
    out_.ready = true;  // the service told systemd, whatever it wrote
  }
  if (entry.ident != "rke2") {
    return;
  }
  known_lines_ += known_form ? 1 : 0;
  panicked_ = panicked_ || read.line.shape == event::Shape::panic;
  judge_own(read);
  const bool deadly = read.own && (read.line.level == "fatal" || read.line.level == "panic");
  const bool strange = read.line.shape == event::Shape::plain && !panicked_;
  if (pack_known_ && inside && !marker && !deadly && (known_form || strange)) {
    explain(read, sure);
  }
}

void Running::judge_own(const ReadLine& read) {
  if (!read.own) {
    return;
  }
  names_.learn(read.line.msg);
  out_.ready = out_.ready || is_ready(read.line.msg);
  if (const auto kind = kind_told_by(read.line.msg)) {
    kind_ = kind;
  }
  if (read.line.level == "fatal" || read.line.level == "panic") {
    out_.last_words = read.line.msg;
  }
}

void Running::explain(const ReadLine& read, bool sure) {
  const bool known = std::ranges::any_of(packs_.known, [&](const std::string& glob) {
    return event::glob_matches(glob, read.line.msg);
  });
  if (known) {
    return;
  }
  const std::string like =
      without_digits(std::string_view(read.line.msg).substr(0, 4 * kTextLength));
  const auto [at, fresh] = texts_.try_emplace(like, strange_.size());
  if (!fresh) {
    Strange& before = strange_[at->second];
    ++before.line.count;
    before.sure = before.sure || sure;
  } else if (strange_.size() < kTexts) {
    strange_.push_back({{.window = chosen_->open_window(),
                         .level = read.line.level,
                         .text = without_secrets(read.line.msg),
                         .count = 1},
                        sure});
  } else {
    texts_.erase(at);
    ++(sure ? out_.unexplained_more : unsure_more_);
  }
}

// Only now are all names known.
void Running::settle_texts() {
  for (auto& [line, sure] : strange_) {
    line.text = cut(names_.hide(line.text), kTextLength);
    if (sure) {
      out_.unexplained.push_back(std::move(line));
    } else {
      out_.undecided.push_back(fmt::format("in {}, if that had not closed unseen: {} {} ({} x)",
                                           line.window,
                                           line.level.empty() ? "-" : line.level,
                                           line.text,
                                           line.count));
    }
  }
  if (unsure_more_ > 0) {
    out_.undecided.push_back(fmt::format("{} more line(s) like these", unsure_more_));
  }
  out_.last_words = cut(names_.hide(redact(out_.last_words)), kLastWords);
}

void Running::find_best_pack() {
  const Fit own = chosen_->fit(kind_);
  int best = own.wanted == 0 ? -1000 : 2 * own.seen - own.wanted;
  const bool told = out_.ready && out_.whole && !out_.strange_form && out_.heard_all();
  // Another line's windows may all come, too, and be more of them.
  const bool fits = own.wanted > 0 && own.seen == own.wanted;
  for (const auto& [name, follower] : all_) {
    Fit fit = follower.fit(kind_);
    fit.line = name;
    const int score = 2 * fit.seen - fit.wanted;
    if (name != out_.pack && fit.wanted > 0 && score > best && told && !fits) {
      best = score;
      out_.best_pack = name;
    }
    out_.fits.push_back(std::move(fit));
  }
}

Invocation Running::finish() {
  if (!decided_) {
    decide();
  }
  out_.windows = chosen_->windows();
  out_.not_visible = chosen_->not_visible();
  out_.strange_form = out_.whole && own_lines_ > 0 && known_lines_ == 0 && !panicked_;
  // A start that did not come to its end, or whose beginning is not here, owes nothing.
  if (out_.ready && out_.whole && pack_known_) {
    (out_.heard_all() ? out_.missing : out_.undecided) = chosen_->missing(kind_);
  }
  find_best_pack();
  settle_texts();
  return std::move(out_);
}

}  // namespace harness::drift
