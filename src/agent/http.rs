//! The HTTP clients of this process.
//!
//! Owns their TLS: ring, which needs no C toolchain beyond cc. Must never log a
//! header, since keys travel in them.

use std::sync::LazyLock;

use reqwest::redirect::{Attempt, Policy};

/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 10;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    let client = reqwest::Client::builder().redirect(Policy::custom(stay_at_origin)).build();
    // The only failure is one of TLS, which the other client has, too.
    client.unwrap_or_default()
});

static NO_REDIRECT_CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    install_tls();
    let client = reqwest::Client::builder().redirect(Policy::none()).build();
    // Only TLS can fail here, and the other client has the same.
    client.unwrap_or_default()
});

/// Follows a redirect only within the origin that was asked. What goes along
/// with a request is meant for that origin: keys in headers of any name, and
/// the prompt in the body, which a 307 would send again.
fn stay_at_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let to = attempt.url();
    if !to.username().is_empty() || to.password().is_some() {
        return attempt.error("the redirect has a name or a password in its address");
    }
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == to.origin());
    if !stays {
        let origin = to.origin().ascii_serialization();
        return attempt
            .error(format!("the server redirects to another origin, {origin}, which is not followed"));
    }
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(format!("the server redirected {MAX_REDIRECTS} times"));
    }
    attempt.follow()
}

fn install_tls() {
    // Another provider may be installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The client for providers and MCP servers; cheap to clone, its connections
/// are shared. It follows redirects within one origin only.
pub fn client() -> reqwest::Client {
    CLIENT.clone()
}

/// A client that does not follow redirects: it returns them.
pub fn no_redirect_client() -> reqwest::Client {
    NO_REDIRECT_CLIENT.clone()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    use super::client;

    /// A server that gives each caller the next of these answers, and tells
    /// what it was asked.
    fn server(answers: Vec<String>) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests_tx, requests_rx) = channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).unwrap();
                // A test that does not look at the requests has dropped the receiver.
                requests_tx.send(String::from_utf8_lossy(&request[..read]).into_owned()).ok();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (format!("http://{address}"), requests_rx)
    }

    fn redirect(code: u16, to: &str) -> String {
        format!("HTTP/1.1 {code} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

    async fn post(url: &str) -> Result<String, String> {
        let sent = client().post(url).header("x-api-key", "secret").body("prompt").send().await;
        let response = sent.map_err(|error| format!("{error:?}"))?;
        response.text().await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn keys_and_prompts_do_not_follow_a_redirect_to_another_origin() {
        for code in [301, 302, 307, 308] {
            let (thief, stolen) = server(vec![OK.to_owned()]);
            let (url, _asked) = server(vec![redirect(code, &thief)]);
            let error = post(&url).await.unwrap_err();
            assert!(error.contains("another origin"), "{code}: {error}");
            assert!(stolen.try_recv().is_err(), "{code}: the other origin was asked");
        }
    }

    #[tokio::test]
    async fn a_redirect_within_the_origin_is_followed_with_key_and_prompt() {
        let (url, asked) = server(vec![redirect(307, "/next"), OK.to_owned()]);
        assert_eq!(post(&url).await.unwrap(), "ok");
        asked.recv().unwrap();
        let second = asked.recv().unwrap();
        assert!(second.starts_with("POST /next") && second.contains("x-api-key: secret"), "{second}");
    }

    #[tokio::test]
    async fn a_redirect_with_a_password_is_refused() {
        let (url, asked) = server(vec![redirect(307, "/next"), OK.to_owned()]);
        let host = url.trim_start_matches("http://").to_owned();
        let (url, _) = server(vec![redirect(302, &format!("http://me:secret@{host}/"))]);
        let error = post(&url).await.unwrap_err();
        assert!(error.contains("name or a password"), "{error}");
        assert!(asked.try_recv().is_err());
    }
}
