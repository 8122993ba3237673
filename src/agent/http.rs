//! The HTTP clients of this process.
//!
//! Owns its TLS: ring, so that nothing needs a C build of its own. Never logs
//! a header, since keys travel in them.

use std::sync::LazyLock;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    reqwest::Client::new()
});

static NO_REDIRECT_CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    // The only failure is one of TLS, which the other client has, too.
    client.unwrap_or_default()
});

fn install_tls() {
    // Somebody may have installed one already, which serves as well.
    let _installed_or_there = rustls::crypto::ring::default_provider().install_default();
}

/// The client; cheap to clone, its connections are shared.
pub fn client() -> reqwest::Client {
    CLIENT.clone()
}

/// One that goes nowhere it is sent: it gives the redirection back.
pub fn no_redirect_client() -> reqwest::Client {
    NO_REDIRECT_CLIENT.clone()
}
