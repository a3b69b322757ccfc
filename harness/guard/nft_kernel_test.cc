// The kernel's own packet filter, in a network of the test's own: nothing of it touches this
// machine.
#include <array>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "harness/guard/action_network.h"
#include "harness/guard/action_registry.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/nft_fixture.h"
#include "harness/guard/trigger.h"
#include "harness/guard/undo.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr const char* kPeer4 = "192.0.2.2";
constexpr const char* kPeer6 = "2001:db8::2";
constexpr int kVxlan = 8472;

// Two network namespaces with a cable between them: this node (192.0.2.1, 2001:db8::1), and a peer
// (192.0.2.2, 2001:db8::2) that listens. Everything is the kernel's own, and gone with the thread.
class Cable {
 public:
  // Empty: ready.
  std::string lay() {
    const std::string self = fmt::format("/proc/self/task/{}/ns/net", gettid());
    const int here = open(self.c_str(), O_RDONLY | O_CLOEXEC);
    if (unshare(CLONE_NEWNET) != 0) {
      return "no second network namespace";
    }
    const int there = open(self.c_str(), O_RDONLY | O_CLOEXEC);
    std::string why = run({"ip", "link", "add", "hs0", "type", "veth", "peer", "name", "hs1"});
    why +=
        run({"ip", "link", "set", "hs0", "netns", fmt::format("/proc/{}/fd/{}", getpid(), here)});
    why += run({"ip", "addr", "add", "192.0.2.2/24", "dev", "hs1"});
    six_ = run({"ip", "addr", "add", "2001:db8::2/64", "dev", "hs1", "nodad"}).empty();
    why += run({"ip", "link", "set", "hs1", "up"});
    listener_ = listen_at(kPeer4, 2380, SOCK_STREAM);
    resolver_ = listen_at(kPeer4, 53, SOCK_DGRAM);
    tunnel_ = listen_at(kPeer4, kVxlan, SOCK_DGRAM);
    if (six_) {
      listener6_ = listen_at(kPeer6, 2380, SOCK_STREAM);
      tunnel6_ = listen_at(kPeer6, kVxlan, SOCK_DGRAM);
    }
    setns(here, CLONE_NEWNET);
    why += run({"ip", "addr", "add", "192.0.2.1/24", "dev", "hs0"});
    six_ = six_ && run({"ip", "addr", "add", "2001:db8::1/64", "dev", "hs0", "nodad"}).empty();
    why += run({"ip", "link", "set", "hs0", "up"});
    close(here);
    close(there);
    return why;
  }

  ~Cable() {
    for (const int fd : {listener_, resolver_, tunnel_, listener6_, tunnel6_}) {
      close(fd);
    }
  }

  bool has_six() const { return six_; }

  // Whether a datagram of this node comes in at the peer's end of a tunnel.
  bool tunnels(const std::string& peer) const {
    const int to = peer == kPeer6 ? tunnel6_ : tunnel_;
    const auto address = address_of(peer, kVxlan);
    const int from = socket(address.first.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    static_cast<void>(
        sendto(from, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address.first), address.second));
    close(from);
    pollfd watched{to, POLLIN, 0};
    const bool came = poll(&watched, 1, 400) == 1;
    char ignored[64];
    while (recv(to, ignored, sizeof ignored, MSG_DONTWAIT) > 0) {
    }
    return came;
  }

  Cable() = default;
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  // Answers one query, when it comes.
  void answer_dns() const {
    pollfd watched{resolver_, POLLIN, 0};
    std::array<char, 512> query{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    if (poll(&watched, 1, 2000) == 1 &&
        recvfrom(
            resolver_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size) >
            0) {
      sendto(resolver_, "x", 1, 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

 private:
  static std::string run(const std::vector<std::string>& argv) {
    const auto asked = spawn(argv, std::chrono::seconds(10));
    return asked && asked->ok() ? "" : fmt::format("{}; ", asked ? asked->err : "no ip");
  }

  static std::pair<sockaddr_storage, socklen_t> address_of(const std::string& address, int port) {
    sockaddr_storage out{};
    auto* four = reinterpret_cast<sockaddr_in*>(&out);
    auto* six = reinterpret_cast<sockaddr_in6*>(&out);
    if (inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
      four->sin_family = AF_INET;
      four->sin_port = htons(static_cast<std::uint16_t>(port));
      return {out, sizeof *four};
    }
    inet_pton(AF_INET6, address.c_str(), &six->sin6_addr);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(static_cast<std::uint16_t>(port));
    return {out, sizeof *six};
  }

  static int listen_at(const char* address, int port, int type) {
    const auto at = address_of(address, port);
    const int fd = socket(at.first.ss_family, type | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&at.first), at.second), 0)
        << address << ":" << port;
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(fd, 64), 0);
    }
    return fd;
  }

  int listener_ = -1;
  int resolver_ = -1;
  int tunnel_ = -1;
  int listener6_ = -1;
  int tunnel6_ = -1;
  bool six_ = false;
};

Reach at_peer(bool datagram = false) {
  return try_reach({{kPeer4, datagram ? 53 : 2380, datagram}}, milliseconds(400)).front();
}

Reach at_peer6() {
  return try_reach({{kPeer6, 2380}}, milliseconds(400)).front();
}

Means real(Json& held) {
  return means_of([&held](const Json& now) {
    held = now;
    return Status();
  });
}

// With a cable in a network of the test's own, or skipped with the reason.
void with_cable(const std::function<void(Cable&)>& body) {
  std::string why;
  const std::string none = in_own_network([&] {
    Cable cable;
    why = cable.lay();
    if (!why.empty()) {
      return;
    }
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (at_peer() != Reach::answered && !deadline.passed()) {
    }
    ASSERT_FALSE(deadline.passed()) << "the cable is laid, but carries nothing";
    body(cable);
  });
  if (!none.empty() || !why.empty()) {
    GTEST_SKIP() << none << why;
  }
}

TEST(RealNft, cuts_a_node_off_from_its_peer_until_it_is_taken_back) {
  with_cable([](Cable&) {
    for (const auto& [how, direction, expected] : {std::tuple("drop", "both", Reach::silent),
                                                   std::tuple("drop", "in", Reach::silent),
                                                   std::tuple("drop", "out", Reach::silent),
                                                   std::tuple("reset", "out", Reach::refused),
                                                   std::tuple("reset", "both", Reach::refused)}) {
      SCOPED_TRACE(fmt::format("{} {}", how, direction));
      ASSERT_EQ(at_peer(), Reach::answered);
      Json held;
      const Means means = real(held);
      const auto deed = strike_partition(partition(how, direction, {"192.0.2.2"}), means);
      ASSERT_TRUE(deed) << deed.error().message();
      EXPECT_EQ(deed->evidence["asked"][0]["answer"], to_string(expected));
      EXPECT_EQ(at_peer(), expected);
      EXPECT_THAT(tables_left(means).value(), ElementsAre("inet hookshot_h_1"));
      const auto gone = release(held, means);
      ASSERT_TRUE(gone) << gone.error().message();
      EXPECT_EQ(at_peer(), Reach::answered);
      EXPECT_TRUE(release(held, means)) << "twice does no harm";
      EXPECT_TRUE(tables_left(means).value().empty());
    }
  });
}

TEST(RealNft, cuts_peers_off_by_ipv6_as_by_ipv4) {
  with_cable([](Cable& cable) {
    if (!cable.has_six()) {
      GTEST_SKIP() << "this kernel has no IPv6";
    }
    for (const auto& [how, direction, expected] : {std::tuple("drop", "both", Reach::silent),
                                                   std::tuple("drop", "in", Reach::silent),
                                                   std::tuple("reset", "out", Reach::refused)}) {
      SCOPED_TRACE(fmt::format("{} {}", how, direction));
      ASSERT_EQ(at_peer6(), Reach::answered);
      Json held;
      const Means means = real(held);
      const auto deed = strike_partition(partition(how, direction, {kPeer6}), means);
      ASSERT_TRUE(deed) << deed.error().message();
      EXPECT_EQ(at_peer6(), expected);
      EXPECT_EQ(at_peer(), Reach::answered) << "the other family's address was not named";
      ASSERT_TRUE(release(held, means));
      EXPECT_EQ(at_peer6(), Reach::answered);
    }
    Json held;
    const Means means = real(held);
    ASSERT_TRUE(strike_partition(partition("drop", "both", {kPeer4, kPeer6}), means));
    EXPECT_EQ(at_peer6(), Reach::silent);
    EXPECT_EQ(at_peer(), Reach::silent);
    ASSERT_TRUE(release(held, means));
  });
}

TEST(RealNft, cuts_the_pods_tunnels_and_nothing_else) {
  with_cable([](Cable& cable) {
    std::vector<std::string> peers = {kPeer4};
    if (cable.has_six()) {
      peers.emplace_back(kPeer6);
    }
    for (const auto& [how, direction] :
         {std::pair("drop", "both"), std::pair("drop", "out"), std::pair("reset", "out")}) {
      SCOPED_TRACE(fmt::format("{} {}", how, direction));
      for (const std::string& peer : peers) {
        ASSERT_TRUE(cable.tunnels(peer)) << peer;
      }
      ArmRecord record = harness::guard::partition(how, direction, peers);
      record.action.object = "cni-overlay";
      Json held;
      const Means means = real(held);
      const auto deed = strike_partition(record, means);
      ASSERT_TRUE(deed) << deed.error().message();
      EXPECT_GT(deed->evidence["packets"], 0);
      for (const std::string& peer : peers) {
        EXPECT_FALSE(cable.tunnels(peer)) << peer;
      }
      EXPECT_EQ(at_peer(), Reach::answered) << "TCP goes on";
      ASSERT_TRUE(release(held, means));
      for (const std::string& peer : peers) {
        EXPECT_TRUE(cable.tunnels(peer)) << peer;
      }
    }
  });
}

TEST(RealNft, cuts_off_a_registry_whose_name_is_an_ipv6_address) {
  with_cable([](Cable& cable) {
    if (!cable.has_six()) {
      GTEST_SKIP() << "this kernel has no IPv6";
    }
    ArmRecord record;
    record.id = "h-4";
    record.action = {.kind = Action::Kind::registry,
                     .hold = milliseconds(1000),
                     .host = "registry.example:2380"};
    Json held;
    Means means = real(held);
    const auto run = means.feed;
    means.feed = [run](const std::vector<std::string>& argv,
                       const std::string& input,
                       milliseconds limit) -> Result<Finished> {
      return argv.front() == "getent"
                 ? Result<Finished>(Finished{.out = "2001:db8::2     STREAM registry.example\n"})
                 : run(argv, input, limit);
    };
    const auto struck = strike_registry(record, means);
    ASSERT_TRUE(struck) << struck.error().message();
    EXPECT_EQ(at_peer6(), Reach::silent);
    EXPECT_EQ(at_peer(), Reach::answered);
    ASSERT_TRUE(release(held, means));
    EXPECT_EQ(at_peer6(), Reach::answered);
  });
}

TEST(RealNft, forgets_the_peers_by_itself) {
  with_cable([](Cable&) {
    Cut cut("h-1", "cut");
    cut.gone = {{"192.0.2.2", 2380}};
    cut_off({"192.0.2.2"}, {2380}, "both", "drop", milliseconds(1500), cut);
    Json held;
    const Means means = real(held);
    const auto deed = strike_cut(cut, means);
    ASSERT_TRUE(deed) << deed.error().message();
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (at_peer() != Reach::answered && !deadline.passed()) {
    }
    EXPECT_FALSE(deadline.passed()) << "the kernel still drops";
    const auto after = read_table("hookshot_h_1", means);
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_TRUE(after->sets.at("peers4").empty());
    EXPECT_TRUE(release(held, means)) << "a table whose elements are gone";
  });
}

TEST(RealNft, cuts_a_node_off_from_a_registry) {
  with_cable([](Cable&) {
    ArmRecord record;
    record.id = "h-3";
    record.action = {
        .kind = Action::Kind::registry, .hold = milliseconds(1000), .host = "192.0.2.2:2380"};
    Json held;
    const Means means = real(held);
    const auto struck = strike_registry(record, means);
    ASSERT_TRUE(struck) << struck.error().message();
    EXPECT_EQ(at_peer(), Reach::silent);
    ASSERT_TRUE(release(held, means));
    EXPECT_EQ(at_peer(), Reach::answered);
    record.action.host = "localhost";
    const auto own = strike_registry(record, means);
    ASSERT_FALSE(own);
    EXPECT_EQ(own.error().code(), ErrorCode::refused);
  });
}

TEST(RealNft, leaves_the_tables_of_others_as_they_are) {
  with_cable([](Cable&) {
    ASSERT_TRUE(spawn({"nft", "add", "table", "inet", "others"}, std::chrono::seconds(10))->ok());
    Json held;
    const Means means = real(held);
    ASSERT_TRUE(strike_partition(partition("drop", "both", {"192.0.2.2"}), means));
    ASSERT_TRUE(release(held, means));
    EXPECT_THAT(spawn({"nft", "list", "tables"}, std::chrono::seconds(10))->out,
                testing::StrEq("table inet others\n"));
  });
}

// As on a node, but for systemd: the record's trigger does it in a process of its own, which dies
// while it lasts; the revert takes it back from the record alone.
TEST(RealNft, is_taken_back_from_the_record_after_the_trigger_was_killed) {
  with_cable([](Cable&) {
    TestFolder folder;
    const FakeTools tools(folder.path());
    tools.answer("nft", "exec /usr/sbin/nft \"$@\"");
    const Disk disk(folder);
    Store store(disk.places());
    RecordState state = armed_record("h-9");
    state.record.action = partition("drop", "both", {"192.0.2.2"}).action;
    state.record.action.hold = std::chrono::minutes(1);
    state.record.ttl = std::chrono::minutes(2);
    state.record.trigger = {.now = true};
    ASSERT_TRUE(store.create(state));
    ASSERT_TRUE(beat(disk.places().run));
    const int pid = fork();
    if (pid == 0) {
      _exit(run_trigger(store, "h-9"));
    }
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    const auto stands = [&] {
      const auto now = store.load("h-9");
      return now && now->state() == "APPLIED";
    };
    while (!stands() && !deadline.passed()) {
      static_cast<void>(::poll(nullptr, 0, 5));
    }
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    auto applied = store.load("h-9");
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->state(), "APPLIED") << text_of(applied->progress);
    EXPECT_EQ(at_peer(), Reach::silent);
    const Healed healed = revert(store, *std::move(applied), "asked by the controller");
    EXPECT_EQ(healed.state, "VERIFIED") << healed.summary;
    EXPECT_EQ(at_peer(), Reach::answered);
  });
}

TEST(RealNft, blocks_dns_to_a_server_and_to_the_loopback) {
  with_cable([](Cable& cable) {
    TestFolder folder;
    for (const char* server : {"192.0.2.2", "127.0.0.53"}) {
      for (const auto& [how, expected] :
           {std::pair("drop", Reach::blocked), std::pair("reset", Reach::refused)}) {
        SCOPED_TRACE(fmt::format("{} {}", server, how));
        std::ofstream(folder / "resolv.conf") << "nameserver " << server << "\n";
        Json held;
        Means means = real(held);
        means.resolver = (folder / "resolv.conf").string();
        const auto deed = strike_dns(dns(how), means);
        ASSERT_TRUE(deed) << deed.error().message();
        EXPECT_THAT((std::vector<std::string>{"refused", "not permitted"}),
                    testing::Contains(deed->evidence["asked"][0]["answer"].get<std::string>()));
        EXPECT_NE(at_peer(true), Reach::answered);
        EXPECT_EQ(at_peer(), Reach::answered) << "other ports go on";
        ASSERT_TRUE(release(held, means));
      }
    }
    std::thread server([&] { cable.answer_dns(); });
    EXPECT_EQ(at_peer(true), Reach::answered);
    server.join();
  });
}

}  // namespace
}  // namespace harness::guard
