// An apiserver that answers as a test says. For tests only.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "harness/lab/standin/https_server.h"
#include "harness/lab/standin/x509.h"

namespace harness::standin {

// Its address. Its threads outlive the test, and so does it.
inline std::string start_fake_apiserver(Handler handler) {
  const auto ca = x509::make_ca("ca");
  const auto pair = x509::issue(*ca, {{"kube-apiserver", {}}, {"127.0.0.1"}, false, true, 365});
  auto* server = new HttpsServer;
  EXPECT_TRUE(server->listen(0, *pair));
  server->set_handler(std::move(handler));
  return "https://127.0.0.1:" + std::to_string(server->port());
}

}  // namespace harness::standin
