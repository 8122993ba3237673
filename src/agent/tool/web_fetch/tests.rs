use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;

/// A host on this machine that gives each caller the next of these answers.
fn host_of(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _asked = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn fetched(url: &str) -> ToolOutcome {
    let place = ToolContext::new("/".into(), "/".into());
    WebFetch.run(json!({"url": url, "prompt": "what?"}), place).await
}

#[tokio::test]
async fn a_page_comes_as_markdown_in_the_official_shape() {
    let html = "<html><head><title>no</title><script>evil()</script></head>\
                <body><h1>Seats</h1><p>One <b>warm</b> <a href='/a'>slot</a>.</p></body></html>";
    let url = host_of(vec![answer("200 OK\r\ncontent-type: text/html; charset=utf-8", html)]);
    let outcome = fetched(&url).await;
    assert_eq!(outcome.text.trim(), "# Seats\n\nOne **warm** [slot](/a).");
    let detail = &outcome.detail;
    assert_eq!(
        (&detail["code"], &detail["codeText"], &detail["bytes"]),
        (&json!(200), &json!("OK"), &json!(html.len()))
    );
    assert_eq!(detail["result"], outcome.text);
    assert!(!outcome.is_error);
}

#[tokio::test]
async fn a_host_sends_on_to_its_own_pages_only() {
    let there = answer("200 OK\r\ncontent-type: text/plain", "arrived");
    let url = host_of(vec![answer("302 Found\r\nlocation: /next", ""), there]);
    assert_eq!(fetched(&url).await.text, "arrived");

    let url = host_of(vec![answer("301 Moved\r\nlocation: https://elsewhere.example/x", "")]);
    let outcome = fetched(&url).await;
    assert!(outcome.text.contains("https://elsewhere.example/x") && !outcome.is_error, "{outcome:?}");

    let url = host_of(vec![answer("302 Found\r\nlocation: http://me:secret@127.0.0.1/x", "")]);
    let outcome = fetched(&url).await;
    assert!(outcome.is_error && outcome.text.contains("name or a password"), "{outcome:?}");

    let url = host_of((0..MAX_REDIRECTS).map(|_| answer("302 Found\r\nlocation: /again", "")).collect());
    assert!(fetched(&url).await.text.contains("sent on 10 times"));
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let check = async |url: &str, why: &str| {
        let outcome = fetched(url).await;
        assert!(outcome.is_error && outcome.text.contains(why), "{why}: {outcome:?}");
    };
    check(
        &host_of(vec![answer("404 Not Found\r\ncontent-type: text/plain", "no such seat")]),
        "404 Not Found: no such seat",
    )
    .await;
    check(&host_of(vec![answer("200 OK\r\ncontent-type: image/png", "…")]), "it is image/png").await;
    check(&host_of(vec!["nonsense".to_owned()]), "cannot get").await;
    check("http://127.0.0.1:1/", "refused").await;
    check("file:///etc/passwd", "no address of a web page").await;
    check("http://", "no address").await;
    check("https://me:secret@example.com/", "name or a password").await;
    let long = answer("200 OK\r\ncontent-type: text/plain", &"x".repeat(MAX_BODY_BYTES + 1));
    check(&host_of(vec![long]), "longer than 10 MB").await;
}

#[tokio::test]
async fn a_page_nested_without_end_is_given_as_it_is() {
    let deep = "<div>".repeat(20_000);
    let url = host_of(vec![answer("200 OK\r\ncontent-type: text/html", &deep)]);
    let text = fetched(&url).await.text;
    assert!(text == deep, "{}", &text[..text.len().min(400)]);
}

#[test]
fn the_host_is_what_has_to_be_permitted() {
    let place = ToolContext::new("/".into(), "/".into());
    for (url, host) in [
        ("https://Example.COM/a?b", "example.com"),
        ("http://example.com.:8080/", "example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ] {
        assert_eq!(WebFetch.access(&json!({"url": url}), &place), Access::Fetch(host.to_owned()));
    }
    assert_eq!(WebFetch.access(&json!({"url": "nonsense"}), &place), Access::Nothing);
    let asked = |url: &str| parse_url(&json!({"url": url})).unwrap().to_string();
    assert_eq!(asked("http://example.com/"), "https://example.com/");
    assert_eq!(asked("http://localhost:1/"), "http://localhost:1/");
}
