use super::*;
use crate::session::message::CacheCreation;

fn usage(input: u64, output: u64, cache_write: u64, hour: u64, cache_read: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: output,
        cache_creation_input_tokens: cache_write,
        cache_read_input_tokens: cache_read,
        cache_creation: CacheCreation {
            ephemeral_5m_input_tokens: cache_write - hour,
            ephemeral_1h_input_tokens: hour,
        },
    }
}

#[track_caller]
fn check(cost: Option<f64>, expected: Option<f64>) {
    let near = match (cost, expected) {
        (Some(cost), Some(expected)) => (cost - expected).abs() < 1e-9,
        (cost, expected) => cost == expected,
    };
    assert!(near, "{cost:?}, expected {expected:?}");
}

#[test]
fn every_built_in_price_has_a_dated_source_and_is_whole() {
    let sources: toml::Table = BUILT_IN_PRICES.parse().unwrap();
    for page in sources["page"].as_array().unwrap() {
        let text = |key: &str| page[key].as_str().unwrap().to_owned();
        let (url, as_of) = (text("url"), text("as_of"));
        assert!(url.starts_with("https://"), "{url}");
        let (year, month) = as_of.split_once('-').unwrap();
        let (year, month): (u16, u8) = (year.parse().unwrap(), month.parse().unwrap());
        assert!((2025..=2026).contains(&year) && (1..=12).contains(&month), "{url} as of {as_of}");
    }
    let file: PriceFile = toml::from_str(BUILT_IN_PRICES).unwrap();
    for page in &file.page {
        for (model, price) in &page.models {
            let (Some(input), Some(output), Some(read)) = (price.input, price.output, price.cache_read)
            else {
                panic!("{model} is not whole")
            };
            assert!(read < input && input < output, "{model}: reading is cheaper than writing");
            assert!(price.long.as_ref().is_none_or(|long| long.over > 0), "{model}");
        }
    }
    let listed: usize = file.page.iter().map(|page| page.models.len()).sum();
    assert_eq!(listed, Prices::default().0.len(), "no model stands on two pages");
}

#[test]
fn what_a_fork_inherited_is_not_paid_again() {
    let prices = Prices::default();
    let used = |tokens| [("claude-opus-4-5", usage(tokens, 0, 0, 0, 0))].into_iter().collect();
    let fork = |told| SessionSummary {
        cost_usd: told,
        used: used(200_000),
        inherited: used(1_000_000),
        ..SessionSummary::default()
    };
    let paid = |told| prices.session_cost(&fork(told)).map(|cost| (cost.usd, cost.estimated));
    check(prices.inherited_cost(&fork(None)), Some(5.0));
    assert_eq!(paid(None), Some((1.0, true)));
    assert_eq!(paid(Some(6.25)), Some((1.25, true)), "it goes on with the total of its parent");
    assert_eq!(paid(Some(1.25)), Some((1.25, false)), "it began at nothing");
    assert_eq!(prices.inherited_cost(&SessionSummary::default()), None);
}

#[test]
fn sums_are_as_by_hand() {
    let prices = Prices::default();
    // 1000 × 5 + 500 × 25 + 3000 × 6.25 + 1000 × 10 + 20000 × 0.50 = 56,250 millionths.
    check(prices.cost("claude-opus-4-5", &usage(1000, 500, 4000, 1000, 20_000)), Some(0.056_25));
    // 1,000,000 × 0.15 + 1,000,000 × 0.60 + 1,000,000 × 0.075.
    check(prices.cost("gpt-4o-mini", &usage(1_000_000, 1_000_000, 0, 0, 1_000_000)), Some(0.825));
    check(prices.cost("claude-sonnet-5-5", &usage(100_000, 10_000, 0, 0, 0)), Some(0.30));
}

#[test]
fn an_unknown_model_has_no_price() {
    let prices = Prices::default();
    for model in [
        "",
        "offline",
        "claude-opus",
        "claude-opus-4-51",
        "claude-opus-4-5-2025",
        "my-claude-opus-4-5",
        "gpt-5-",
    ] {
        check(prices.cost(model, &usage(1, 1, 0, 0, 0)), None);
    }
    check(prices.cost("<synthetic>", &Usage::default()), Some(0.0));
}

#[test]
fn a_dated_name_an_alias_and_a_large_window_find_their_model() {
    let prices = Prices::default();
    for (name, model) in [
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-opus-4-0", "claude-opus-4"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("claude-opus-4-6[1m]", "claude-opus-4-6"),
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
    ] {
        assert_eq!(prices.get(name), prices.get(model), "{name}");
        assert!(prices.get(name).is_some(), "{name}");
    }
}

#[test]
fn a_long_prompt_has_rates_of_its_own() {
    let prices = Prices::default();
    check(prices.cost("claude-haiku-5-5", &usage(100_000, 0, 0, 0, 0)), Some(0.01));
    check(prices.cost("claude-haiku-5-5", &usage(100_001, 0, 0, 0, 0)), Some(0.050_000_5));
    check(prices.cost("claude-sonnet-4-5", &usage(200_001, 0, 0, 0, 0)), None);
}

#[test]
fn a_sum_of_requests_is_priced_where_it_can_be() {
    let prices = Prices::default();
    let one = usage(1_000_000, 0, 0, 0, 0);
    check(prices.total_cost([("claude-opus-5", &one), ("gpt-5", &one)]), Some(6.25));
    check(prices.total_cost([("claude-opus-5", &one), ("mystery", &one)]), None);
    check(prices.total_cost([("claude-haiku-5-5", &one)]), None);
    check(prices.total_cost([]), Some(0.0));
}

#[test]
fn a_warm_context_is_cheaper_to_read() {
    let prices = Prices::default();
    check(prices.reread_cost("claude-opus-4-5", 100_000, true), Some(0.05));
    check(prices.reread_cost("claude-opus-4-5", 100_000, false), Some(0.625));
    check(prices.reread_cost("gpt-5", 100_000, false), Some(0.125));
    check(prices.reread_cost("mystery", 100_000, true), None);
}

#[test]
fn a_sessions_own_account_comes_before_an_estimate() {
    let prices = Prices::default();
    let shown = |facts: &SessionSummary| prices.session_cost(facts).map(|cost| cost.to_string());
    let used = |model: &str| [(model, usage(1_000_000, 0, 0, 0, 0))].into_iter().collect();
    let mut facts = SessionSummary { used: used("claude-opus-5"), ..SessionSummary::default() };
    assert_eq!(shown(&facts).as_deref(), Some("~$5.00"));
    facts.cost_usd = Some(3.18);
    assert_eq!(shown(&facts).as_deref(), Some("$3.18"));
    assert_eq!(shown(&SessionSummary { used: used("mystery"), ..SessionSummary::default() }), None);
    assert_eq!(shown(&SessionSummary::default()), None);
    assert_eq!(
        shown(&SessionSummary { cost_usd: Some(0.0), ..SessionSummary::default() }).as_deref(),
        Some("$0.00")
    );
}

#[test]
fn a_price_of_ones_own_counts_and_a_wrong_one_is_told() {
    let mut prices = Prices::default();
    prices.insert("llama".into(), toml::from_str("input = 0\noutput = 2").unwrap());
    check(prices.cost("llama", &usage(1_000_000, 500_000, 0, 0, 0)), Some(1.0));
    check(prices.cost("llama", &usage(1, 0, 0, 0, 1)), None);
    for wrong in ["input = -1", "input = nan", "input = 'x'", "inputs = 1"] {
        assert!(toml::from_str::<Price>(wrong).is_err(), "{wrong}");
    }
}
