#include "harness/drift/fit.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::drift {
namespace {

constexpr std::size_t kMostLengths = 1000;  // per window

const event::Marker* first(const std::vector<event::Marker>& markers, const ReadLine& read) {
  const auto found = std::ranges::find_if(
      markers, [&](const event::Marker& marker) { return marks(marker, read); });
  return found == markers.end() ? nullptr : &*found;
}

std::string wanted(const std::vector<event::Marker>& markers) {
  std::string out;
  for (const event::Marker& marker : markers) {
    if (in_journal(marker)) {
      out += (out.empty() ? "" : " or ") + event::describe(marker);
    }
  }
  return out;
}

std::int64_t time_of(const journal::Entry& entry) {
  return entry.mono_us != 0 ? entry.mono_us : entry.wall_us;
}

}  // namespace

bool in_journal(const event::Marker& marker) {
  return marker.kind == event::Marker::Kind::log || marker.kind == event::Marker::Kind::systemd;
}

bool marks(const event::Marker& marker, const ReadLine& read) {
  if (marker.kind == event::Marker::Kind::log) {
    return read.own && (marker.level.empty() || marker.level == read.line.level) &&
           event::glob_matches(marker.text, read.line.msg);
  }
  return marker.kind == event::Marker::Kind::systemd && read.entry->ident == "systemd" &&
         event::glob_matches(marker.text, read.entry->message);
}

Follower::Follower(const std::vector<Expected>& expected) : expected_(expected) {
  for (const Expected& one : expected_) {
    tracks_.push_back({.expected = &one,
                       .seen = {.window = one.window.name, .may_stay_open = one.may_stay_open},
                       .visible = std::ranges::any_of(one.window.open, in_journal) &&
                                  std::ranges::any_of(one.window.close, in_journal)});
  }
}

bool Follower::feed(const ReadLine& read) {
  bool marker_seen = false;
  for (Track& track : tracks_) {
    const event::WindowDef& window = track.expected->window;
    const event::Marker* opens = first(window.open, read);
    const event::Marker* closes = first(window.close, read);
    marker_seen = marker_seen || opens != nullptr || closes != nullptr;
    track.unsure = track.unsure && opens == nullptr;
    if (!track.open && opens != nullptr) {
      track.open = true;
      ++open_;
      ++track.seen.spans;
      track.seen.closed = false;
      track.opened_us = time_of(*read.entry);
      track.seen.opened_by = event::describe(*opens);
    } else if (track.open && closes != nullptr) {
      track.open = false;
      --open_;
      track.seen.closed = true;
      track.seen.closed_by = event::describe(*closes);
      const std::int64_t now = time_of(*read.entry);
      track.seen.length_us = now == 0 || track.opened_us == 0 ? -1 : now - track.opened_us;
      if (track.seen.lengths_us.size() < kMostLengths) {
        track.seen.lengths_us.push_back(track.seen.length_us);
      }
    }
  }
  return marker_seen;
}

void Follower::lose() {
  for (Track& track : tracks_) {
    track.unsure = track.open;
  }
}

bool Follower::any_surely_open() const {
  return std::ranges::any_of(tracks_,
                             [](const Track& track) { return track.open && !track.unsure; });
}

std::string Follower::open_window() const {
  const Track* latest = nullptr;
  for (const Track& track : tracks_) {
    if (track.open && (latest == nullptr || track.opened_us >= latest->opened_us)) {
      latest = &track;
    }
  }
  return latest == nullptr ? "" : latest->seen.window;
}

std::vector<WindowSeen> Follower::windows() const {
  std::vector<WindowSeen> out;
  for (const Track& track : tracks_) {
    if (track.seen.spans > 0) {
      out.push_back(track.seen);
    }
  }
  return out;
}

bool Follower::served(const Track& track) {
  return track.seen.spans > 0 && (track.seen.closed || track.expected->may_stay_open);
}

// One that is not owed may share its opening with one that is.
bool Follower::owed(const Track& track, std::optional<StartKind> kind) {
  const Expected& expected = *track.expected;
  if (!track.visible || expected.conditional) {
    return false;
  }
  switch (expected.starts) {
    case Expected::Starts::first:
      return kind && *kind != StartKind::later;
    case Expected::Starts::later:
      return kind == StartKind::later;
    case Expected::Starts::not_joining:
      return kind && *kind != StartKind::joins;
    case Expected::Starts::all:
      break;
  }
  return true;
}

std::vector<std::string> Follower::missing(std::optional<StartKind> kind) const {
  std::vector<std::string> out;
  for (const Track& track : tracks_) {
    if (!owed(track, kind) || served(track)) {
      continue;
    }
    const event::WindowDef& window = track.expected->window;
    const bool opened = track.seen.spans > 0;
    std::string text = fmt::format("{} never {}; wanted {}",
                                   window.name,
                                   opened ? "closed" : "opened",
                                   wanted(opened ? window.close : window.open));
    if (!track.expected->condition.empty()) {
      text += fmt::format(" (the inventory says: {})", track.expected->condition);
    }
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> Follower::not_visible() const {
  std::vector<std::string> out;
  for (const Track& track : tracks_) {
    if (!track.visible) {
      out.push_back(track.seen.window);
    }
  }
  return out;
}

Fit Follower::fit(std::optional<StartKind> kind) const {
  Fit out;
  for (const Track& track : tracks_) {
    if (owed(track, kind)) {
      ++out.wanted;
      out.seen += served(track) ? 1 : 0;
    }
  }
  return out;
}

}  // namespace harness::drift
