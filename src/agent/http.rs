//! The one HTTP client of this process.
//!
//! Owns its TLS: ring, so that nothing needs a C build of its own. Never logs
//! a header, since keys travel in them.

use std::sync::LazyLock;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    // Somebody may have installed one already, which serves as well.
    let _installed_or_there = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
});

/// The client; cheap to clone, its connections are shared.
pub fn client() -> reqwest::Client {
    CLIENT.clone()
}
