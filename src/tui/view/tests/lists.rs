//! Lists: where a fact stands in a row, what is selected, how large a box is.

use std::sync::Arc;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::*;
use crate::tui::view::spans;

/// The cell at which a text ends in each line of the list that holds it.
fn ends(screen: &str, text: &str) -> Vec<usize> {
    let list = screen.lines().map(|line| line.split('│').next().unwrap_or_default());
    list.filter_map(|line| Some(line[..line.find(text)? + text.len()].chars().count())).collect()
}

#[test]
fn every_fact_has_a_place_of_its_own() {
    let mut screen = TestScreen::warm();
    let mut rows = rows();
    for row in rows.iter_mut().take(4) {
        let facts = Arc::make_mut(&mut row.facts);
        (facts.cost_usd, facts.tag, facts.branch) = (Some(1.25), None, None);
    }
    Arc::make_mut(&mut rows[1].facts).tag = Some("bug".into());
    Arc::make_mut(&mut rows[3].facts).tag = Some("bug".into());
    Arc::make_mut(&mut rows[3].facts).cost_usd = None;
    screen.handle(Event::SessionList { all: false, rows, progress: None });
    let shown = screen.at(120, 24);
    for (text, rows) in [("$1.25", 3), ("#bug", 2)] {
        let ends = ends(&shown, text);
        assert!(
            ends.len() >= rows && ends.windows(2).all(|pair| pair[0] == pair[1]),
            "{text} {ends:?}\n{shown}"
        );
    }
}

#[test]
fn an_ordinary_terminal_shows_list_and_conversation() {
    let shown = TestScreen::talking().at(80, 24);
    assert!(shown.contains("Flaky parse test") && shown.contains("Keep the old grammar"), "{shown}");
}

#[test]
fn nothing_in_the_selected_row_is_dim() {
    let theme = Theme::dark();
    let line = Line::from(vec![
        Span::styled("a", theme.dim),
        Span::styled("b", theme.warn.add_modifier(Modifier::DIM)),
    ]);
    let selected = spans::selected(line, &theme);
    assert_eq!(selected.style, theme.selection);
    assert_eq!(selected.spans[0].style, Style::default());
    assert!(!selected.spans[1].style.add_modifier.contains(Modifier::DIM));
}

#[test]
fn the_pane_with_the_focus_stands_out_without_color() {
    let mut screen = TestScreen::talking();
    for (focus, title) in [(Focus::Browser, " Sessions "), (Focus::Conversation, "Parser rewrite ⑂2")] {
        screen.app.focus = focus;
        screen.app.size = (120, 24);
        let mut terminal = Terminal::new(TestBackend::new(120, 24)).unwrap();
        terminal.draw(|frame| drop(view(&screen.app, frame, &mut screen.caches, &Theme::mono()))).unwrap();
        let buffer = terminal.backend().buffer();
        let reversed = (0..120).filter(|x| buffer[(*x, 0)].modifier.contains(Modifier::REVERSED));
        let text: String = reversed.map(|x| buffer[(x, 0)].symbol()).collect();
        assert_eq!(text, title, "{focus:?}");
    }
}

#[test]
fn the_jump_is_no_larger_than_its_hits() {
    let mut screen = TestScreen::talking();
    screen.handle(Event::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL)));
    let height = |screen: &str| {
        let at = |mark| screen.lines().position(|line| line.contains(mark)).expect(screen);
        // A wide character below hides the left corner from the test backend.
        at("╯") - at("╮") + 1
    };
    let all = height(&screen.at(100, 40));
    types(&mut screen, "flaky");
    let few = height(&screen.at(100, 40));
    assert!(few < all && few == 4, "{few} of {all}");
}

#[test]
fn a_search_in_the_conversation_counts_its_matches_as_it_is_typed() {
    let mut screen = TestScreen::talking();
    screen.app.focus = Focus::Conversation;
    screen.key(KeyCode::Char('/'));
    types(&mut screen, "pars");
    assert!(
        screen.at(100, 24).contains("1 of 1") || screen.at(100, 24).contains("2 of 2"),
        "{}",
        screen.at(100, 24)
    );
    types(&mut screen, "zzz");
    assert!(screen.at(100, 24).contains("no matches"), "{}", screen.at(100, 24));
}
