#include "harness/base/redact.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(Redact, hides_join_tokens) {
  EXPECT_EQ(redact("rke2 server -t K10d7f3a0f4b8c9e2d1a5b6c7::server:s3cr3tpw -x"),
            "rke2 server -t [redacted token] -x");
}

TEST(Redact, hides_keys_headers_and_urls) {
  EXPECT_EQ(redact("a -----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY----- b"),
            "a [redacted key] b");
  EXPECT_EQ(redact("Authorization: Bearer abc.def"), "Authorization: Bearer [redacted]");
  EXPECT_EQ(redact("https://node:hunter22@127.0.0.1:9345/x"),
            "https://node:[redacted]@127.0.0.1:9345/x");
}

TEST(Redact, hides_values_of_secret_names) {
  EXPECT_EQ(redact("token: abcdef123"), "token: [redacted]");
  EXPECT_EQ(redact(R"({"password": "hunter22", "user": "bob"})"),
            R"({"password": "[redacted]", "user": "bob"})");
  EXPECT_EQ(redact("agent-token=abcdef"), "agent-token=[redacted]");
}

TEST(Redact, leaves_ordinary_lines_alone) {
  for (const char* line :
       {"time=\"2025-05-16T09:07:39Z\" level=info msg=\"Pod for etcd is synced\"",
        "Server node token is available at /var/lib/rancher/rke2/server/token",
        "To join server node to cluster: rke2 server -s https://10.0.0.1:9345 -t "
        "${SERVER_NODE_TOKEN}"}) {
    EXPECT_EQ(redact(line), line);
  }
}

}  // namespace
}  // namespace harness
