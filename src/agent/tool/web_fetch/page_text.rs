//! The text of a page for the model.
//!
//! Pages are hostile: a page is never parsed deeper than the stack allows.

use std::rc::Rc;

use htmd::{HtmlToMarkdown, Node};

/// The deepest nesting of elements; a page that is deeper is returned as it is.
const MAX_DEPTH: usize = 400;
/// Elements that a reader never sees.
const SKIPPED_TAGS: [&str; 7] = ["script", "style", "noscript", "svg", "iframe", "template", "head"];

/// Whether a page of this `content-type` is text.
pub fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "toml"].iter().any(|end| kind.ends_with(end))
}

/// The text of a page of this `content-type`.
pub fn text(bytes: &[u8], kind: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !kind.contains("html") {
        return text.into_owned();
    }
    let reader = HtmlToMarkdown::builder().skip_tags(SKIPPED_TAGS.to_vec()).build();
    match reader.html_to_tree(&text) {
        Ok(tree) if is_shallow(&tree) => reader.tree_to_markdown(&tree),
        _ => text.into_owned(),
    }
}

/// Whether the tree is shallow enough for the converter, which recurses. Walked
/// without recursion.
fn is_shallow(tree: &Rc<Node>) -> bool {
    let mut level = vec![Rc::clone(tree)];
    for _ in 0..MAX_DEPTH {
        level = level.iter().flat_map(|node| node.children.borrow().clone()).collect();
        if level.is_empty() {
            return true;
        }
    }
    false
}
