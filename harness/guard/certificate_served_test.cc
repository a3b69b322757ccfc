// What a port shows after the certificate of its file was put back.
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "harness/base/time.h"
#include "harness/guard/action_certificate.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kApiserver = "server/tls/serving-kube-apiserver.crt";
constexpr const char* kKubelet = "agent/serving-kubelet.crt";

std::string pem(const std::string& text) {
  return "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n";
}

// A node whose original stands in the file again, and whose port shows what the test says.
class ServedCertificate : public testing::Test {
 protected:
  ServedCertificate() {
    means_ = means_of({}, (folder_ / "before").string());
    means_.feed = [this](const std::vector<std::string>& argv,
                         const std::string&,
                         milliseconds) -> Result<Finished> {
      EXPECT_EQ(argv[1], "s_client");
      ++looks_;
      asked_ = argv.back();
      return shown_();
    };
    means_.run = [this](const std::vector<std::string>&) -> Result<Finished> {
      return Finished{.out = std::to_string(main_pid_) + "\n"};
    };
  }

  ~ServedCertificate() override {
    if (kubelet_.pid > 0) {
      kill(kubelet_.pid, SIGKILL);
      waitpid(kubelet_.pid, nullptr, 0);
    }
  }

  Json held(const char* file) const {
    const auto path = folder_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << pem("original");
    return {{"kind", "certificate"},
            {"unit", "rke2-server.service"},
            {"boot_id", boot_id()},
            {"path", path.string()},
            {"aside", (folder_ / "before").string()},
            {"in_place", true},
            {"ours", pem("ours") + pem("authority")}};
  }

  // Of this process, which stands for rke2.
  void start_kubelet() {
    const std::string program = (folder_ / "kubelet").string();
    std::filesystem::copy_file("/bin/sleep", program);
    kubelet_.pid = start({program, "600"}, 0, 1, 2);
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (comm_of(kubelet_.pid) != "kubelet" && !deadline.passed()) {
      std::this_thread::yield();
    }
    kubelet_.start_ticks = start_ticks(kubelet_.pid);
    main_pid_ = getpid();
  }

  TestFolder folder_;
  Means means_;
  std::function<Finished()> shown_ = [] { return Finished{.out = "depth=0\n" + pem("original")}; };
  int looks_ = 0;
  std::string asked_;
  Process kubelet_;
  int main_pid_ = 1;
};

TEST_F(ServedCertificate, is_waited_for_until_the_port_does_not_show_ours_any_more) {
  shown_ = [this] { return Finished{.out = pem(looks_ < 4 ? "ours" : "original")}; };
  const auto released = release(held(kApiserver), means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_EQ(looks_, 4);
  EXPECT_EQ(asked_, "127.0.0.1:6443");
  EXPECT_THAT(*released, HasSubstr("port 6443 does not show ours"));
}

TEST_F(ServedCertificate, of_ours_after_the_limit_is_not_taken_back_and_says_what_to_do) {
  shown_ = [] { return Finished{.out = pem("ours")}; };
  start_kubelet();
  const auto released = release_certificate(held(kKubelet), means_, milliseconds(150));
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(released.error().message(),
              AllOf(HasSubstr("port 10250 still shows the certificate of the fault"),
                    HasSubstr("`hookshot heal`")));
  EXPECT_GT(looks_, 1);
}

TEST_F(ServedCertificate, of_kube_apiserver_is_replaced_by_itself_and_that_is_said) {
  shown_ = [] { return Finished{.out = pem("ours")}; };
  const auto released = release_certificate(held(kApiserver), means_, milliseconds(150));
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released,
              HasSubstr("port 6443 still shows ours, and it takes a new file by itself"));
}

TEST_F(ServedCertificate, is_none_without_a_handshake_and_nobody_waits_for_one) {
  shown_ = [] { return Finished{.status = 1, .err = "connect:errno=111\n"}; };
  EXPECT_TRUE(release(held("server/tls/etcd/server-client.crt"), means_));
  EXPECT_EQ(asked_, "127.0.0.1:2379");
  shown_ = [] { return Finished{.timed_out = true}; };
  EXPECT_TRUE(release(held("server/tls/etcd/peer-server-client.crt"), means_));
  EXPECT_EQ(asked_, "127.0.0.1:2380");
  EXPECT_EQ(looks_, 2);
}

TEST_F(ServedCertificate, of_a_kubelet_that_loaded_ours_ends_with_that_kubelet) {
  start_kubelet();
  shown_ = [this] { return Finished{.out = pem(state_of(kubelet_) == '-' ? "new" : "ours")}; };
  const auto released = release(held(kKubelet), means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_EQ(state_of(kubelet_), '-');
  EXPECT_EQ(asked_, "127.0.0.1:10250");
  EXPECT_THAT(*released, HasSubstr("rke2 starts another"));
}

TEST_F(ServedCertificate, of_somebody_else_ends_no_kubelet) {
  start_kubelet();
  shown_ = [] { return Finished{.out = pem("renewed")}; };
  EXPECT_TRUE(release(held(kKubelet), means_));
  EXPECT_NE(state_of(kubelet_), '-');
}

TEST_F(ServedCertificate, of_a_kubelet_that_is_not_found_says_why) {
  main_pid_ = getpid();
  shown_ = [] { return Finished{.out = pem("ours")}; };
  const auto released = release_certificate(held(kKubelet), means_, milliseconds(0));
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message(),
              AllOf(HasSubstr("port 10250 still shows"), HasSubstr("runs 0 times")));
}

TEST_F(ServedCertificate, keeps_no_boot_waiting) {
  shown_ = [] { return Finished{.out = pem("ours")}; };
  Json earlier = held(kApiserver);
  earlier["boot_id"] = "an earlier one";
  EXPECT_TRUE(release(earlier, means_));
  EXPECT_EQ(looks_, 1);
}

}  // namespace
}  // namespace harness::guard
