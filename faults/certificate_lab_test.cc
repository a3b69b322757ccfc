// Certificates of a real node that end: whoever checks them is refused, until the old ones are
// back.

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class CertificatesOnTheLab : public OnASettledLab {
 protected:
  struct Leaf {
    const char* what;
    int port;
    const char* authority;  // below server/tls
    const char* file;       // below data_dir
  };

  static std::string text(const Leaf& leaf) {
    return node()
        .read_file(node().data_dir() + "/" + leaf.file, Deadline::after(seconds(20)))
        .value_or("cannot be read");
  }

  static std::string checked(const Leaf& leaf) {
    return handshake(node(), leaf.port, node().data_dir() + "/server/tls/" + leaf.authority);
  }

  // `meanwhile`: what makes its program read the file anew, which not each does by itself.
  static void ends_and_is_back(const Leaf& leaf, const std::function<void()>& meanwhile = {}) {
    SCOPED_TRACE(leaf.what);
    const std::string before = served_end(node(), leaf.port);
    ASSERT_THAT(before, HasSubstr("notAfter="));
    EXPECT_THAT(checked(leaf), HasSubstr("Verify return code: 0 (ok)"));
    const std::string file = text(leaf);
    InjectRequest made = request("expire-certificate", {{"what", leaf.what}, {"duration", "5m"}});
    const auto ready = preflight(*access_, node(), made, Deadline::after(minutes(1)));
    ASSERT_TRUE(ready) << ready.error().message();
    const Status armed = arm(node(), made.fault, made.arm, Deadline::after(minutes(1)));
    ASSERT_TRUE(armed) << armed.error().message();
    becomes("the file is another", true, [&] { return text(leaf) != file; });
    if (meanwhile) {
      meanwhile();
    }
    const auto outcome =
        await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(minutes(2)));
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->outcome, "applied") << outcome->reason;
    const std::string ended = served_end(node(), leaf.port);
    EXPECT_NE(ended, before);
    EXPECT_THAT(checked(leaf), HasSubstr("certificate has expired")) << outcome->evidence;
    is_taken_back({made.arm.id, *outcome});
    EXPECT_TRUE(text(leaf) == file) << leaf.file;
    if (std::string_view(leaf.what) != "kube-apiserver") {  // which takes the file within a minute
      EXPECT_NE(served_end(node(), leaf.port), ended) << "it is taken back, so nobody shows it";
    }
    // A kubelet that the undo has ended is started anew by rke2.
    becomes("the old end", before, [&] { return served_end(node(), leaf.port); });
    EXPECT_THAT(checked(leaf), HasSubstr("Verify return code: 0 (ok)"));
  }
};

TEST_F(CertificatesOnTheLab, of_etcd_end_at_once_for_its_clients_and_its_peers) {
  ends_and_is_back(
      {"etcd-server", 2379, "etcd/server-ca.crt", "server/tls/etcd/server-client.crt"});
  ends_and_is_back(
      {"etcd-peer", 2380, "etcd/peer-ca.crt", "server/tls/etcd/peer-server-client.crt"});
}

TEST_F(CertificatesOnTheLab, of_kube_apiserver_ends_when_it_looks_and_kubelets_when_it_starts) {
  ends_and_is_back(
      {"kube-apiserver", 6443, "server-ca.crt", "server/tls/serving-kube-apiserver.crt"});
  settle();
  ends_and_is_back({"kubelet", 10250, "server-ca.crt", "agent/serving-kubelet.crt"},
                   [] { begins_anew(node(), "kubelet"); });
}

}  // namespace
}  // namespace harness::fault
