// A journal written to a file and read back. For tests only.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/journal/entry.h"

namespace harness::journal {

class Journal : public testing::Test {
 protected:
  Journal()
      : path_((std::filesystem::temp_directory_path() /
               ("hookshot-journal-" + std::to_string(getpid())))
                  .string()) {}

  ~Journal() override { std::filesystem::remove(path_); }

  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  std::vector<Entry> read_back(const std::string& content, Form form) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
    return read_back(form);
  }

  std::vector<Entry> read_back(Form form) {
    std::vector<Entry> out;
    lost_before_.clear();
    const auto report = read(
        path_,
        [&](const Entry& entry) { out.push_back(entry); },
        [&] { lost_before_.push_back(out.size()); });
    EXPECT_TRUE(report) << report.error().message();
    if (report) {
      EXPECT_EQ(report->form, form);
      EXPECT_EQ(report->entries, out.size());
      unreadable_ = report->unreadable;
      without_text_ = report->without_text;
      missing_ = missing(*report);
    }
    return out;
  }

  const std::string path_;
  std::uint64_t unreadable_ = 0;
  std::uint64_t without_text_ = 0;
  std::vector<std::size_t> lost_before_;  // how many entries came before each that is lost
  std::string missing_;
};

}  // namespace harness::journal
