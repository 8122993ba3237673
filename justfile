# Shortcuts; `just` lists them.

_default:
    @just --list

# Try it: made-up sessions, no network
demo:
    cargo run --release -- demo

# Type-check everything
check:
    cargo check --all-targets

# Format, lint
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Unit tests, or those that match a filter
unit *filter:
    cargo test --lib {{ filter }}

# Integration tests, or one module: just it screen::
it *filter:
    cargo test --test it {{ filter }}

# Random transcripts and queries
fuzz seconds="60":
    HOTSEAT_FUZZ_SECONDS={{ seconds }} cargo test --release --test fuzz

# Everything a change must pass
ci *arguments:
    .ci/run {{ arguments }}

# Write the generated keys into docs/keys.md
bless:
    HOTSEAT_BLESS=1 cargo test --test it docs::

# Measure again: measured, agent, drivers, many
bench name *arguments:
    cargo bench --bench {{ name }} -- {{ arguments }}

# The program as it is published
dist:
    cargo build --profile dist --locked
