use super::*;
use crate::tui::app::sample::{greenwich, id, noon};

/// A session so many hours old.
fn row(number: u8, title: &str, hours: u64, parent: Option<u8>) -> SessionRow {
    crate::tui::app::sample::row(number, title, hours * 60, parent)
}

fn browser(rows: Vec<SessionRow>, query: &str) -> Browser {
    let mut browser = Browser::default();
    browser.set_rows(Arc::new(rows), None);
    browser.filter.insert_str(query);
    browser.rebuild(noon(), greenwich(), false);
    browser
}

fn shown(browser: &Browser) -> Vec<String> {
    let show = |line: &BrowserLine| match line {
        BrowserLine::Heading(day) => day.clone(),
        BrowserLine::New => "new".into(),
        BrowserLine::Session { row, depth, dim, .. } => {
            let title = browser.rows[*row].facts.title_text();
            format!("{}{title}{}", "  ".repeat(*depth), if *dim { " (dim)" } else { "" })
        }
    };
    browser.lines.iter().map(show).collect()
}

#[test]
fn sessions_stand_under_their_day_and_forks_under_their_parent() {
    let rows = vec![
        row(3, "fork", 1, Some(1)),
        row(2, "other", 5, None),
        row(1, "parent", 30, None),
        row(4, "old", 24 * 40, None),
    ];
    assert_eq!(shown(&browser(rows, "")), ["TODAY", "parent", "  fork", "other", "OCTOBER", "old"]);
}

#[test]
fn a_parent_outside_the_filter_stays_dim_over_its_forks() {
    let rows = vec![row(2, "grammar", 1, Some(1)), row(1, "parent", 2, None), row(3, "other", 3, None)];
    assert_eq!(shown(&browser(rows, "gram")), ["TODAY", "parent (dim)", "  grammar"]);
}

#[test]
fn sessions_that_name_each_other_as_parents_are_still_listed() {
    let rows = vec![row(1, "one", 1, Some(2)), row(2, "two", 2, Some(1)), row(3, "self", 3, Some(3))];
    assert_eq!(shown(&browser(rows, "")), ["TODAY", "one", "  two", "self"]);
}

#[test]
fn the_cursor_steps_over_headings_and_stays_on_its_session() {
    let rows = vec![row(1, "a", 1, None), row(2, "b", 30, None)];
    let mut browser = browser(rows.clone(), "");
    assert_eq!(browser.selected, Some(id(1)));
    browser.step(1);
    assert_eq!(browser.selected, Some(id(2)));
    browser.set_rows(Arc::new([vec![row(3, "newer", 0, None)], rows].concat()), None);
    browser.rebuild(noon(), greenwich(), true);
    assert_eq!(browser.selected, Some(id(2)));
    browser.step(-9);
    assert_eq!(browser.selected, None, "the new session is the first line");
}

#[test]
fn the_best_match_is_the_exact_one() {
    let rows = vec![row(1, "the art gallery", 1, None), row(2, "tag", 2, None)];
    let mut browser = browser(rows, "tag");
    browser.select_best_when_ranked();
    browser.rebuild(noon(), greenwich(), false);
    assert_eq!(browser.selected, Some(id(2)));
}

#[test]
fn filters_narrow_the_list_and_their_mistakes_do_not() {
    let mut rows = vec![row(1, "one", 1, None), row(2, "two", 2, None)];
    Arc::make_mut(&mut rows[1].facts).tag = Some("keep".into());
    assert_eq!(shown(&browser(rows.clone(), "tag:keep")), ["TODAY", "two"]);
    let wrong = browser(rows, "tag:keep since:tomorow");
    assert_eq!(shown(&wrong), ["TODAY", "two"]);
    assert_eq!(wrong.ranking.query().errors[0].span, 9..22);
}
