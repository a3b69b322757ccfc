// Journals from which entries are missing: what is left is read, and the gap is told.

#include <utility>

#include "harness/guard/journal_fixture.h"
#include "harness/journal/read_fixture.h"

namespace harness::journal {
namespace {

using guard::JournalFixture;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kIncompatibleFlags = 12;  // in the header of a journal file
constexpr std::uint64_t kEntryCount = 152;

std::vector<std::string> texts(const std::vector<Entry>& entries) {
  std::vector<std::string> out;
  for (const Entry& entry : entries) {
    out.push_back(entry.without_text ? "-" : entry.message);
  }
  return out;
}

class DamagedFile : public Journal {
 protected:
  DamagedFile() {
    for (int i = 0; i < 9; ++i) {
      fixture_.add(1000 + i, i + 1, guard::line(std::to_string(i)));
      at_.push_back(fixture_.last_entry());
      arrays_.push_back(fixture_.array());
    }
    fixture_.put64(kEntryCount, 9);
  }

  std::vector<std::string> read_texts() {
    fixture_.write(path_);
    return texts(read_back(Form::file));
  }

  JournalFixture fixture_{JournalFixture::Layout::regular};
  std::vector<std::uint64_t> at_;      // of the entries
  std::vector<std::uint64_t> arrays_;  // that holds them, four each
};

TEST_F(DamagedFile, loses_the_entry_that_cannot_be_read_and_no_other) {
  for (const std::size_t damaged : {0U, 2U, 5U, 8U}) {
    const char before = std::exchange(fixture_.bytes()[at_[damaged]], 99);
    EXPECT_EQ(read_texts().size(), 8U) << damaged;
    EXPECT_EQ(unreadable_, 1U);
    EXPECT_THAT(lost_before_, ElementsAre(damaged));
    EXPECT_THAT(missing_,
                AllOf(HasSubstr("1 entry could not"),
                      HasSubstr("the first is entry " + std::to_string(damaged + 1)),
                      HasSubstr("journalctl --verify")));
    fixture_.bytes()[at_[damaged]] = before;
  }
  EXPECT_EQ(read_texts().size(), 9U);
  EXPECT_EQ(missing_, "") << "it is whole";
}

TEST_F(DamagedFile, is_bad_input_with_a_next_step_where_its_beginning_is_cut_or_foreign) {
  const auto refused = [&] {
    auto report = read(path_, [](const Entry&) {});
    EXPECT_FALSE(report);
    return report ? Error(ErrorCode::internal, "") : report.error();
  };
  fixture_.write(path_);
  std::filesystem::resize_file(path_, 100);
  EXPECT_EQ(refused().code(), ErrorCode::invalid_input);
  EXPECT_THAT(refused().message(),
              AllOf(HasSubstr(path_), HasSubstr("ends before byte"), HasSubstr("copy it anew")));
  fixture_.bytes()[kIncompatibleFlags + 1] = 1;
  fixture_.write(path_);
  EXPECT_EQ(refused().code(), ErrorCode::not_supported);
  EXPECT_THAT(refused().message(), HasSubstr("`journalctl --file` prints of it"));
}

TEST_F(DamagedFile, goes_on_behind_a_page_that_was_never_written) {
  for (const std::uint64_t slot : {0U, 1U, 2U}) {
    fixture_.put64(arrays_[4] + 24 + 8 * slot, 0);
  }
  EXPECT_THAT(read_texts(), ElementsAre("0", "1", "2", "3", "7", "8"));
  EXPECT_THAT(lost_before_, ElementsAre(4U, 4U, 4U));
}

TEST_F(DamagedFile, says_that_the_rest_was_not_reached) {
  fixture_.bytes()[arrays_[4]] = 99;
  EXPECT_THAT(read_texts(), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(missing_, HasSubstr("the first is entry 5, nothing after the last was reached"));
}

// Which field it was cannot be told: it may be the unit's name or the message.
TEST_F(DamagedFile, takes_no_entry_with_an_unreadable_field_for_whole) {
  std::uint64_t message = 0;
  std::memcpy(&message, fixture_.bytes().data() + at_[3] + 64 + 4 * 16, sizeof message);
  fixture_.bytes()[message] = 99;
  EXPECT_THAT(read_texts(), ElementsAre("0", "1", "2", "-", "4", "5", "6", "7", "8"));
  EXPECT_EQ(unreadable_, 1U);
  std::uint64_t unit = 0;
  std::memcpy(&unit, fixture_.bytes().data() + at_[4] + 64, sizeof unit);
  fixture_.bytes()[unit] = 99;
  EXPECT_THAT(read_texts(), ElementsAre("0", "1", "2", "-", "5", "6", "7", "8"));
  EXPECT_EQ(unreadable_, 2U);
}

TEST_F(DamagedFile, is_none_for_a_message_in_a_compression_that_is_not_read) {
  auto fields = guard::line("9");
  fields.back().compression = JournalFixture::Compression::xz;
  fixture_.add(2000, 20, fields);
  EXPECT_EQ(read_texts().back(), "-");
  EXPECT_EQ(unreadable_, 0U);
  EXPECT_EQ(without_text_, 1U);
}

constexpr const char* kWhole =
    R"({"_PID":"4","SYSLOG_IDENTIFIER":"rke2","MESSAGE":"a","_SYSTEMD_UNIT":"rke2-server.service"})";

// The unit's name comes late in the line.
TEST_F(Journal, loses_a_line_of_json_that_is_cut_before_it_says_its_unit) {
  const std::string whole = kWhole;
  const auto entries =
      read_back(whole + "\r\n" + whole.substr(0, 50) + "\n{\"MESSAGE\":\"of another\"}\n" + whole +
                    "\n" + whole.substr(0, whole.size() - 2),
                Form::json);
  EXPECT_EQ(entries.size(), 2U);
  EXPECT_THAT(lost_before_, ElementsAre(1U, 2U));
  EXPECT_THAT(
      missing_,
      AllOf(HasSubstr("2 lines could not"), HasSubstr("line 2"), HasSubstr("-o json --all")));
}

TEST_F(Journal, loses_a_record_of_an_export_that_is_cut) {
  const auto record = [](const std::string& message) {
    return "__CURSOR=x\n__REALTIME_TIMESTAMP=5\n_PID=4\n_SYSTEMD_UNIT=rke2-server.service\n"
           "MESSAGE=" +
           message + "\n\n";
  };
  const auto cut = [&](std::size_t bytes) {
    const std::string whole = record("cut here");
    return whole.substr(0, whole.size() - bytes);
  };
  EXPECT_THAT(texts(read_back(record("a") + cut(7) + "\n" + record("b"), Form::exported)),
              ElementsAre("a", "b"))
      << "the next record must not be taken for its end";
  EXPECT_THAT(lost_before_, ElementsAre(1U));
  EXPECT_THAT(missing_, AllOf(HasSubstr("record 2"), HasSubstr("-o export")));
  EXPECT_THAT(texts(read_back(record("a") + cut(7), Form::exported)), ElementsAre("a"));
  EXPECT_EQ(unreadable_, 1U) << "half a message is none";
  EXPECT_THAT(texts(read_back(record("a") + "_PID=4\n\n" + record("b"), Form::exported)),
              ElementsAre("a", "b"));
  EXPECT_EQ(unreadable_, 1U) << "its beginning is not there";
  read_back(record("a") + record("b"), Form::exported);
  EXPECT_EQ(missing_, "");
}

TEST_F(Journal, misses_nothing_where_text_has_lines_of_no_process) {
  read_back("May 16 09:07:39 cp-1 rke2[4]: a\nMay 16 09:07:40 cp-1 kernel: b\n", Form::text);
  EXPECT_EQ(unreadable_, 1U);
  EXPECT_THAT(lost_before_, IsEmpty());
  EXPECT_EQ(missing_, "");
}

}  // namespace
}  // namespace harness::journal
