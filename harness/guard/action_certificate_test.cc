#include "harness/guard/action_certificate.h"

#include <ctime>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "harness/guard/certificate_time.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// An authority and a leaf as on a node, made by the machine's own openssl.
class CertificateTest : public testing::Test {
 protected:
  void SetUp() override {
    if (find_program("openssl").empty()) {
      GTEST_SKIP() << "no openssl on this machine";
    }
    std::filesystem::create_directories(folder_ / "server/tls/etcd");
    std::filesystem::create_directories(folder_ / "armed");
    make_certificate();
    original_ = read_whole(file()).value_or("") + read_whole(ca(".crt")).value_or("");
    std::ofstream(file()) << original_;
    record_.data_dir = folder_.string();
    record_.unit = "rke2-server.service";
    record_.action = {.kind = Action::Kind::certificate,
                      .hold = std::chrono::milliseconds(200),
                      .object = "etcd-server",
                      .amounts = {{"expires_in_s", 0}}};
    means_ = means_of(
        [this](const Json& held) {
          held_ = held;
          return Status();
        },
        (folder_ / "armed/before").string());
    const auto real = means_.feed;
    means_.feed = [this, real](const std::vector<std::string>& argv,
                               const std::string& input,
                               std::chrono::milliseconds limit) {
      return argv[1] == "s_client" ? Result<Finished>(Finished{.out = shown()})
                                   : real(argv, input, limit);
    };
  }

  void make_certificate() {
    openssl({"req",
             "-x509",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:prime256v1",
             "-nodes",
             "-subj",
             "/CN=etcd-server-ca",
             "-days",
             "3650",
             "-keyout",
             ca(".key"),
             "-out",
             ca(".crt")});
    openssl({"req",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:prime256v1",
             "-nodes",
             "-subj",
             "/CN=etcd-server",
             "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout",
             (folder_ / "leaf.key").string(),
             "-out",
             (folder_ / "leaf.csr").string()});
    openssl({"x509",
             "-req",
             "-in",
             (folder_ / "leaf.csr").string(),
             "-CA",
             ca(".crt"),
             "-CAkey",
             ca(".key"),
             "-CAcreateserial",
             "-copy_extensions",
             "copy",
             "-days",
             "365",
             "-out",
             file()});
  }

  Result<Deed> expire() {
    return expire_certificate(record_, means_, [] { return false; });
  }

  std::string ca(const char* kind) const {
    return (folder_ / "server/tls/etcd/server-ca").string() + kind;
  }

  std::string file() const { return (folder_ / "server/tls/etcd/server-client.crt").string(); }

  std::string shown() const { return reloads_ ? read_whole(file()).value_or("") : original_; }

  static std::string openssl(std::vector<std::string> words, const std::string& input = {}) {
    words.insert(words.begin(), "openssl");
    const auto done = spawn(words, std::chrono::seconds(20), input);
    EXPECT_TRUE(done && done->ok()) << words[1] << ": " << (done ? done->err : "not started");
    return done ? done->out : "";
  }

  TestFolder folder_;
  ArmRecord record_;
  Means means_;
  Json held_;
  std::string original_;
  bool reloads_ = true;
};

TEST_F(CertificateTest, has_ended_keeps_its_names_and_comes_back) {
  const auto deed = expire();
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["served"], true);
  EXPECT_NE(deed->evidence["not_after"], deed->evidence["not_after_before"]);
  const std::string now_there = read_whole(file()).value();
  EXPECT_THAT(now_there, EndsWith(read_whole(ca(".crt")).value())) << "the rest of the chain";
  const auto said =
      spawn({"openssl", "verify", "-CAfile", ca(".crt"), file()}, std::chrono::seconds(20));
  ASSERT_TRUE(said);
  EXPECT_FALSE(said->ok());
  EXPECT_THAT(said->err, HasSubstr("certificate has expired"));
  const std::string text = openssl({"x509", "-noout", "-text"}, now_there);
  EXPECT_THAT(text, HasSubstr("DNS:localhost, IP Address:127.0.0.1"));
  EXPECT_EQ(openssl({"x509", "-noout", "-pubkey"}, now_there),
            openssl({"x509", "-noout", "-pubkey"}, original_));
  const auto released = release(held_, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_EQ(read_whole(file()).value(), original_);
}

TEST_F(CertificateTest, ends_soon_and_is_good_until_then) {
  record_.action.amounts["expires_in_s"] = 300;
  ASSERT_TRUE(expire());
  openssl({"verify", "-CAfile", ca(".crt"), file()});
  const auto later = spawn({"openssl", "x509", "-in", file(), "-noout", "-checkend", "301"},
                           std::chrono::seconds(20));
  ASSERT_TRUE(later);
  EXPECT_FALSE(later->ok());
}

TEST_F(CertificateTest, that_the_port_does_not_show_is_no_hit_and_is_put_back) {
  reloads_ = false;
  const auto deed = expire();
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(deed.error().message(), HasSubstr("port 2379 went on to show"));
  EXPECT_THAT(deed.error().message(), HasSubstr("takes a new file by itself"));
  EXPECT_NE(read_whole(file()).value(), original_);
  ASSERT_TRUE(release(held_, means_));
  EXPECT_EQ(read_whole(file()).value(), original_);
}

TEST_F(CertificateTest, is_waited_for_until_the_port_shows_it) {
  reloads_ = false;
  record_.action.hold = std::chrono::seconds(20);
  int looks = 0;
  const auto deed = expire_certificate(record_, means_, [&] {
    reloads_ = ++looks == 2;
    return false;
  });
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_THAT(json_string(deed->evidence, "summary"), HasSubstr("port 2379 shows it"));
}

TEST_F(CertificateTest, is_waited_for_no_longer_than_anybody_wants_it) {
  reloads_ = false;
  record_.action.hold = std::chrono::minutes(10);
  EXPECT_FALSE(expire_certificate(record_, means_, [] { return true; }));
}

TEST_F(CertificateTest, that_rke2_renewed_meanwhile_stays) {
  ASSERT_TRUE(expire());
  std::ofstream(file()) << "renewed\n";
  EXPECT_THAT(release(held_, means_).value(), HasSubstr("left as it is"));
  EXPECT_EQ(read_whole(file()).value(), "renewed\n");
}

TEST_F(CertificateTest, is_seen_by_a_pod_that_has_the_file_mounted) {
  struct stat before {};

  struct stat after {};

  ASSERT_EQ(stat(file().c_str(), &before), 0);
  ASSERT_TRUE(expire());
  ASSERT_EQ(stat(file().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "another file of that name is never seen there";
  ASSERT_TRUE(release(held_, means_));
  ASSERT_EQ(stat(file().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(CertificateTest, that_was_written_by_half_comes_back) {
  ASSERT_TRUE(expire());
  const std::string ours = read_whole(file()).value();
  for (const std::string& torn : {ours.substr(0, 100), std::string(), ours + original_.substr(9)}) {
    std::ofstream(file()) << torn;
    std::ofstream(means_.before) << original_;
    EXPECT_THAT(release(held_, means_).value(), HasSubstr("is back")) << torn.size();
    EXPECT_EQ(read_whole(file()).value(), original_);
  }
}

TEST_F(CertificateTest, is_left_alone_without_its_authority) {
  std::filesystem::remove(ca(".key"));
  const auto deed = expire();
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(read_whole(file()).value(), original_);
  EXPECT_TRUE(held_.is_null());
}

TEST_F(CertificateTest, that_is_cut_or_altered_is_an_error_and_never_more) {
  const std::string der = openssl({"x509", "-outform", "DER"}, original_);
  const std::int64_t when = std::time(nullptr);
  ASSERT_TRUE(with_not_after(der, when));
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(with_not_after(der.substr(0, size), when)) << size;
  }
  for (std::size_t at = 0; at < der.size(); ++at) {
    std::string altered = der;
    altered[at] = static_cast<char>(altered[at] ^ 0x7f);
    const auto parts = with_not_after(altered, when);
    EXPECT_TRUE(!parts || parts->body.size() <= der.size()) << at;
  }
}

}  // namespace
}  // namespace harness::guard
