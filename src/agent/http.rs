//! The HTTP clients of this process.
//!
//! Owns their TLS: ring, which needs no C toolchain beyond cc. Must never log a
//! header, since keys travel in them.

use std::sync::LazyLock;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    reqwest::Client::new()
});

static NO_REDIRECT_CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    // Only TLS can fail here, and the other client has the same.
    client.unwrap_or_default()
});

fn install_tls() {
    // Another provider may be installed already, which serves as well.
    let _installed_or_there = rustls::crypto::ring::default_provider().install_default();
}

/// The client; cheap to clone, its connections are shared.
pub fn client() -> reqwest::Client {
    CLIENT.clone()
}

/// A client that does not follow redirects: it returns them.
pub fn no_redirect_client() -> reqwest::Client {
    NO_REDIRECT_CLIENT.clone()
}
