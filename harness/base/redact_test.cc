#include "harness/base/redact.h"

#include <string>
#include <vector>

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

const std::string kKeyLine = "MIIEowIBAAKCAQEAx3QmT0c8yYb1kZ9vN2wq7F4hJpLrD6sUeKoG+/5iXtWaVzPq";
const std::string kPem64 = "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVF";

// Each holds the secret SEKRIT7, or one that is named beside it.
struct Positive {
  std::string text;
  std::string secret = "SEKRIT7";
};

std::vector<Positive> positives() {
  return {
      {"rke2 agent --token SEKRIT7 --server https://192.0.2.11:9345"},
      {"--agent-token SEKRIT7"},
      {"--token=SEKRIT7"},
      {"--token \"SEKRIT7\""},
      {"[\"--token\",\"SEKRIT7\"]"},
      {"[\"--token\", \"SEKRIT7\", \"--debug\"]"},
      {"--token ab", "ab"},
      {"token=a", "=a"},
      {"token: x1", "x1"},
      {"password: abc", "abc"},
      {"password=pa$$SEKRIT7", "SEKRIT7"},
      {R"({"password": "two SEKRIT7 words"})"},
      {R"({"password": "with \" a quote SEKRIT7"})"},
      {R"(msg="body {\"token\": \"SEKRIT7\"}")"},
      {"token: 'it is SEKRIT7'"},
      {"RKE2_TOKEN=SEKRIT7"},
      {"AWS_SECRET_ACCESS_KEY=SEKRIT7"},
      {"secret-key: SEKRIT7"},
      {"apiKey: SEKRIT7"},
      {"x-api-key: SEKRIT7"},
      {"bootstrapToken: SEKRIT7"},
      {"passphrase = SEKRIT7"},
      {"GET /v1?token=SEKRIT7&x=1"},
      {"client-key-data: SEKRIT7"},
      {"    client-certificate-data: SEKRIT7"},
      {"    client-key-data: " + kPem64, kPem64},
      {"found " + kPem64 + " somewhere", kPem64},
      {"K10" + std::string(64, 'a') + "::server:SEKRIT7"},
      {"-t K10abc::node:SEKRIT7, and more"},
      {"K10ABCdef012::SEKRIT7"},
      {"https://user:SEKRIT7@registry.example.com/v2/"},
      {"proxy http://u:p@SEKRIT7@192.0.2.1:3128"},
      {"Authorization: Bearer SEKRIT7"},
      {"authorization: basic SEKRIT7"},
      {R"("Authorization": "Basic SEKRIT7==")"},
      {"-H 'Authorization: Bearer SEKRIT7'"},
      {"sent Bearer 0123456789abcdefSEKRIT7"},
      {"jwt eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJrdWJlcm5l.SEKRIT7"},
      {"-----BEGIN RSA PRIVATE KEY-----\nSEKRIT7\n-----END RSA PRIVATE KEY-----"},
      {R"("-----BEGIN PRIVATE KEY-----\nSEKRIT7\n-----END PRIVATE KEY-----\n")"},
      {"-----BEGIN EC PRIVATE KEY-----\nSEKRIT7"},
      {kKeyLine, "MIIE"},
      {"  " + kKeyLine + "\r\n", "MIIE"},
      {"text\n" + kKeyLine + "\nSEKRIT7=\nmore"},
  };
}

std::vector<std::string> negatives() {
  return {
      "podUID=\"4a5e1e4b-0a1c-2d3e-4f5a-6b7c8d9e0f1a\"",
      "pod=etcd-cp-1_kube-system(4a5e1e4b0a1c2d3e4f5a6b7c8d9e0f1a)",
      "4a5e1e4b-0a1c-2d3e-4f5a-6b7c8d9e0f1a",
      "boot_id 3f8a1c2e5b7d4e6f9a0b1c2d3e4f5a6b",
      "_SYSTEMD_INVOCATION_ID=11111111111111111111111111111111",
      "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
      "containerd://9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "rke2 version v1.30.13-rc2+rke2r1 (1b9bb73c846d0123456789012345678901234567)",
      "docker.io/rancher/hardened-etcd:v3.5.21-k3s1-build20250411",
      "index.docker.io/rancher/vault-secret:v1.2.3",
      "registry.example.com:5000/rancher/rke2-runtime:v1.30.12-rke2r1",
      "https://192.0.2.11:9345/v1-rke2/readyz",
      "https://cp-1@192.0.2.11:9345",
      "git@example.com:rancher/rke2.git",
      "/var/lib/rancher/rke2/data/v1.30.12-rke2r1-0123456789ab/bin",
      "Server node token is available at /var/lib/rancher/rke2/server/token",
      "open /var/lib/rancher/rke2/server/agent-token: no such file or directory",
      "rke2 server -s https://192.0.2.11:9345 -t ${SERVER_NODE_TOKEN}",
      "--token $RKE2_TOKEN",
      "token=$(cat /x)",
      "--token-file /etc/rancher/token",
      "--token-auth-file=/etc/tokens.csv",
      "--enable-bootstrap-token-auth=true",
      "--authentication-token-webhook-cache-ttl=10s",
      "automountServiceAccountToken: false",
      "token=\"\"",
      "token: null",
      "secrets \"rke2-serving\" not found",
      "secret \"rke2-serving\" not found",
      "secretName: rke2-serving",
      "--private-key-file=/x/service.key",
      "--token --debug",
      "bearer token authentication is on",
      "the token expired",
      "authorization-mode=Node,RBAC",
      "certificate-authority-data is public",
      "-----BEGIN CERTIFICATE-----",
      "\"hash\":3349841788,\"revision\":4711",
      "time=\"2025-05-16T09:07:39Z\" level=info msg=\"Pod for etcd is synced\"",
      "K10 is a mountain, and K10::x is no token",
      "/usr/lib/x86/linux/gnu/modules/kernel/drivers/net/ethernet/a0",
      "E1124 14:50:35.1 1234 pod_workers.go:1301] back-off 10s restarting failed container=etcd",
      std::string(100, 'a'),
      std::string(100, '='),
  };
}

TEST(Redact, hides_what_is_secret_and_once_is_enough) {
  EXPECT_GE(positives().size(), 30u);
  for (const auto& [text, secret] : positives()) {
    const std::string out = redact(text);
    EXPECT_EQ(out.find(secret), std::string::npos) << text << "\n -> " << out;
    EXPECT_NE(out.find("[redacted"), std::string::npos) << text << "\n -> " << out;
    EXPECT_EQ(redact(out), out) << text;
  }
}

TEST(Redact, leaves_what_events_need_as_it_is) {
  EXPECT_GE(negatives().size(), 30u);
  for (const std::string& text : negatives()) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redact, keeps_what_stands_around_a_secret) {
  EXPECT_EQ(redact("rke2 agent --token SEKRIT7 --debug"), "rke2 agent --token [redacted] --debug");
  EXPECT_EQ(redact(R"(["--token","SEKRIT7","x"])"), R"(["--token","[redacted]","x"])");
  EXPECT_EQ(redact("a token=b, c=d"), "a token=[redacted], c=d");
  EXPECT_EQ(redact("text\n" + kKeyLine + "\nMIIC=+/4\nmore"), "text\n[redacted]\n[redacted]\nmore");
}

// Nothing here may cost more than a look at each character, nor a stack as deep as the text is
// long.
TEST(Redact, bears_lines_of_any_length) {
  for (const char* unit :
       {"a", "token=", "-----BEGIN ", "K10", "://", "\"", "eyJ", "--token ", "="}) {
    std::string text;
    while (text.size() < 200'000) {
      text += unit;
    }
    const std::string out = redact(text);
    EXPECT_EQ(redact(out), out) << unit;
  }
}

}  // namespace
}  // namespace harness
