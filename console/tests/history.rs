//! The history: bounds, filters against a plain list, files that are closed, damaged, or of a later version.

mod sample;

use proptest::prelude::*;
use sallyport_console::{Brief, Filter, History, HistoryError, PAGE_MAX, Window};
use sallyport_record::{Observed, Verdict};
use std::sync::Arc;

const NOW: i64 = 1_795_364_053_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn some(count: u64, seed: u64) -> Vec<Observed> {
    let mut dice = sample::Dice(seed);
    let at = |number: u64| NOW - (count - number) as i64 * SECOND;
    (0..count)
        .map(|number| sample::exchange(&mut dice, number, at(number)))
        .collect()
}

fn fill(history: &History, exchanges: &[Observed]) {
    for chunk in exchanges.chunks(1000) {
        for exchange in chunk {
            history.observe(Arc::new(exchange.clone()));
        }
        history.flush();
    }
}

fn ids(exchanges: &[Brief]) -> Vec<&str> {
    exchanges
        .iter()
        .map(|exchange| exchange.id.as_str())
        .collect()
}

/// All pages of a filter, as ids.
fn all(history: &History, filter: &Filter, limit: usize) -> Vec<String> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = history.page(filter, before, limit).expect("a page");
        found.extend(page.exchanges.into_iter().map(|exchange| exchange.id));
        before = page.older;
        if before.is_none() {
            return found;
        }
    }
}

/// The same question, asked of a list.
fn fits(observed: &Observed, filter: &Filter) -> bool {
    let record = &observed.record;
    let caller = record.caller.as_ref();
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == value)
    };
    let label = |wanted: &str| {
        record
            .findings
            .iter()
            .any(|finding| match wanted.strip_suffix('*') {
                Some(beginning) => finding.label.starts_with(beginning),
                None => finding.label == wanted,
            })
    };
    is(&filter.team, caller.map(|caller| &*caller.team))
        && is(&filter.agent, caller.map(|caller| &*caller.agent))
        && is(&filter.operation, record.operation.as_deref())
        && is(&filter.model, record.model.as_deref())
        && is(&filter.upstream, record.upstream.as_deref())
        && is(&filter.session, record.session.as_deref())
        && filter
            .verdict
            .is_none_or(|verdict| verdict == record.verdict)
        && filter
            .rule
            .as_deref()
            .is_none_or(|rule| record.rules.iter().any(|known| &**known == rule))
        && filter
            .tool
            .as_deref()
            .is_none_or(|tool| record.calls.iter().any(|call| call.tool == tool))
        && filter.finding.as_deref().is_none_or(label)
        && filter
            .from_ms
            .is_none_or(|from| observed.began_ns / 1_000_000 >= from)
        && filter
            .to_ms
            .is_none_or(|to| observed.began_ns / 1_000_000 < to)
        && filter.text.as_deref().is_none_or(|text| {
            record.id.starts_with(text)
                || record.trace.as_deref() == Some(text)
                || record.session.as_deref() == Some(text)
        })
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let maybe = |words: &'static [&'static str]| {
        proptest::option::weighted(0.3, proptest::sample::select(words).prop_map(str::to_owned))
    };
    let words = (
        maybe(&["payments", "research", "nobody"]),
        maybe(&["refunds", "reader", "triage"]),
        proptest::option::weighted(0.3, proptest::sample::select(&Verdict::ALL[..])),
        maybe(&["chat", "tool_call"]),
        maybe(&["gpt-5", "claude-sonnet-4-5"]),
        maybe(&["openai", "warehouse"]),
    );
    let more = (
        maybe(&["injection", "no-prod-writes", "mask-secrets", "none"]),
        maybe(&["run_sql", "shell", "search_docs"]),
        maybe(&["secret.*", "pii.email", "injection.*", "*", "link.exfil"]),
        maybe(&["000000005a117000", "000000005a118eef"]),
        maybe(&[
            "sp_",
            "sp_01a2",
            "sp_ffff",
            "%",
            "_",
            "000000000000000000000000abc0007",
        ]),
        proptest::option::weighted(0.3, 0..300i64),
        proptest::option::weighted(0.3, 0..300i64),
    );
    (words, more).prop_map(
        |(
            (team, agent, verdict, operation, model, upstream),
            (rule, tool, finding, session, text, from, to),
        )| {
            let at = |ago: i64| NOW / 1_000_000 - ago * 1000;
            Filter {
                text,
                team,
                agent,
                verdict,
                operation,
                model,
                upstream,
                session,
                rule,
                tool,
                finding,
                from_ms: from.map(at),
                to_ms: to.map(at),
            }
        },
    )
}

#[test]
fn filters_find_what_a_plain_list_has() {
    let exchanges = some(300, 3);
    let history = History::open(None, 1000).expect("a history");
    fill(&history, &exchanges);
    let mut hits = 0;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let hit = std::cell::Cell::new(0);
    runner
        .run(&(any_filter(), 1..60usize), |(filter, limit)| {
            let wanted: Vec<String> = exchanges
                .iter()
                .rev()
                .filter(|observed| fits(observed, &filter))
                .map(|observed| observed.record.id.to_string())
                .collect();
            hit.set(hit.get() + usize::from(!wanted.is_empty()));
            prop_assert_eq!(all(&history, &filter, limit), wanted);
            Ok(())
        })
        .expect("the same");
    hits += hit.get();
    assert!(hits > 50, "only {hits} filters found anything");
}

#[test]
fn an_exchange_comes_back_whole() {
    let history = History::open(None, 10).expect("a history");
    let mut exchanges = some(5, 1);
    exchanges.push(sample::hostile(6, NOW));
    fill(&history, &exchanges);
    for wanted in &exchanges {
        let (_, found) = history
            .one(&wanted.record.id)
            .expect("an answer")
            .expect("it is there");
        assert_eq!(found, *wanted);
    }
    assert_eq!(history.one("sp_").expect("an answer"), None);
}

#[test]
fn numbers_that_json_does_not_have_hide_nothing() {
    let history = History::open(None, 10).expect("a history");
    let mut odd = sample::hostile(1, NOW);
    odd.record.findings[0].score = f32::NAN;
    odd.record.cost_usd = Some(f64::INFINITY);
    if let Some(saved) = &mut odd.record.compression.as_mut().expect("there").lossless {
        saved.billed_saved = f64::NEG_INFINITY;
    }
    for _ in 0..4 {
        history.observe(Arc::new(odd.clone()));
    }
    history.flush();
    assert_eq!(
        history
            .page(&Filter::default(), None, 9)
            .expect("a page")
            .exchanges
            .len(),
        4
    );
    // Counts that an upstream made up do not overflow what is added up.
    let (all, _) = history.teams(Window::Hour, NOW / 1_000_000).expect("sums");
    assert_eq!(
        (all.sum.exchanges, all.sum.tokens_in),
        (4, 4_000_000_000_000)
    );
    assert!(all.sum.cost_usd.is_finite());
}

#[test]
fn what_is_too_large_is_kept_without_its_words() {
    let history = History::open(None, 10).expect("a history");
    let mut large = some(1, 1).remove(0);
    large.record.mcp = None;
    for _ in 0..100 {
        let mut part = sample::hostile(1, NOW).parts.remove(0);
        part.text = Some("\u{e000}word ".repeat(2000));
        large.parts.push(part);
    }
    fill(&history, std::slice::from_ref(&large));
    let (_, found) = history
        .one(&large.record.id)
        .expect("an answer")
        .expect("it is there");
    assert_eq!(found.parts.len(), large.parts.len());
    assert!(found.parts.iter().all(|part| part.text.is_none()));
    assert_eq!(found.record, large.record);
}

#[test]
fn the_bound_holds_at_every_moment_and_the_oldest_go() {
    for max in [1, 7, 100] {
        let history = History::open(None, max).expect("a history");
        for exchange in some(260, 9) {
            history.observe(Arc::new(exchange));
            history.flush();
            assert!(history.exchanges() <= max as u64, "{max}");
        }
        let kept = all(&history, &Filter::default(), PAGE_MAX);
        assert_eq!(kept.len() as u64, history.exchanges());
        assert!(kept.len() >= max - max / 25, "{max}: {}", kept.len());
        assert_eq!(kept[0], *some(260, 9)[259].record.id);
        // What was forgotten is forgotten in every table, and still in the sums.
        let found = Filter {
            finding: Some("*".into()),
            ..Filter::default()
        };
        let exchanges = some(260, 9);
        let left = exchanges.iter().rev().take(kept.len());
        let with_findings = left.filter(|observed| !observed.record.findings.is_empty());
        assert_eq!(all(&history, &found, 50).len(), with_findings.count());
        let (sum, _) = history.teams(Window::Day, NOW / 1_000_000).expect("sums");
        assert_eq!(sum.sum.exchanges, 260);
    }
}

#[test]
fn what_comes_too_fast_is_dropped_and_counted_and_nobody_waits() {
    let history = History::open(None, 100_000).expect("a history");
    let exchange = Arc::new(some(1, 1).remove(0));
    let count = 30_000;
    let began = std::time::Instant::now();
    for _ in 0..count {
        history.observe(exchange.clone());
    }
    let took = began.elapsed();
    history.flush();
    assert_eq!(history.exchanges() + history.dropped(), count);
    assert!(history.dropped() > 0, "the queue is bounded; {took:?}");
    // Texts are bounded too, however few exchanges they are in.
    let mut large = sample::exchange(&mut sample::Dice(1), 1, NOW);
    large.parts[0].text = Some("x".repeat(sallyport_console::QUEUE_BYTES_MAX / 2));
    let (large, before) = (Arc::new(large), history.dropped());
    for _ in 0..8 {
        history.observe(large.clone());
    }
    history.flush();
    assert!(history.dropped() > before);
}

#[test]
fn a_file_is_opened_again_and_numbers_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let exchanges = some(50, 4);
    let history = History::open(Some(&file), 100).expect("a history");
    fill(&history, &exchanges[..40]);
    let newest = history.newest();
    drop(history);
    let history = History::open(Some(&file), 100).expect("the same");
    assert_eq!((history.exchanges(), history.newest()), (40, newest));
    assert_eq!(history.moved_aside(), None);
    fill(&history, &exchanges[40..]);
    let wanted: Vec<&str> = exchanges
        .iter()
        .rev()
        .map(|exchange| &*exchange.record.id)
        .collect();
    assert_eq!(
        ids(&history
            .page(&Filter::default(), None, 100)
            .expect("a page")
            .exchanges),
        wanted
    );
    drop(history);
    // A lower bound holds at once.
    let history = History::open(Some(&file), 10).expect("the same");
    assert_eq!(history.exchanges(), 10);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&file).expect("a file").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_damaged_file_is_moved_aside_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let damage: [fn(&mut Vec<u8>); 4] = [
        |bytes| {
            *bytes = b"this is no database, but it is long enough to be taken for one".repeat(40)
        },
        |bytes| bytes[..64].fill(0xff),
        |bytes| bytes.truncate(5000),
        |bytes| {
            let end = bytes.len();
            bytes[4096..end].fill(0x5a);
        },
    ];
    for (at, damage) in damage.iter().enumerate() {
        let history = History::open(Some(&file), 100).expect("a history");
        fill(&history, &some(60, 4));
        drop(history);
        let mut bytes = std::fs::read(&file).expect("a file");
        damage(&mut bytes);
        std::fs::write(&file, &bytes).expect("written");
        let history = History::open(Some(&file), 100).unwrap_or_else(|why| panic!("{at}: {why}"));
        let aside = history
            .moved_aside()
            .unwrap_or_else(|| panic!("{at}: not moved"))
            .to_owned();
        assert_eq!(std::fs::read(&aside).expect("it is there"), bytes, "{at}");
        assert_eq!(history.exchanges(), 0);
        fill(&history, &some(3, 1));
        assert_eq!(history.exchanges(), 3);
        assert_eq!(
            history.standing().moved_aside,
            Some(aside.display().to_string())
        );
        drop(history);
        std::fs::remove_file(&file).expect("removed");
    }
}

#[test]
fn files_of_others_and_of_later_versions_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    drop(History::open(Some(&file), 10).expect("a history"));
    let with = |sql: &str, file: &std::path::Path| {
        rusqlite::Connection::open(file)
            .expect("SQLite")
            .execute_batch(sql)
            .expect("done")
    };
    with("PRAGMA user_version = 2", &file);
    let before = std::fs::read(&file).expect("a file");
    let why = History::open(Some(&file), 10).expect_err("too new");
    assert!(matches!(why, HistoryError::Newer { found: 2 }));
    assert!(why.to_string().contains("version 2"), "{why}");
    assert_eq!(std::fs::read(&file).expect("a file"), before);
    let other = folder.path().join("other.db");
    with("CREATE TABLE cats (name TEXT)", &other);
    assert!(matches!(
        History::open(Some(&other), 10),
        Err(HistoryError::Foreign)
    ));
    let nowhere = folder.path().join("no/such/folder.db");
    assert!(matches!(
        History::open(Some(&nowhere), 10),
        Err(HistoryError::Cannot { .. })
    ));
}

#[test]
fn news_is_told_once_and_costs_nothing_while_there_is_none() {
    let history = History::open(None, 100).expect("a history");
    let exchanges = some(30, 5);
    fill(&history, &exchanges[..10]);
    let first = history.since(&Filter::default(), 0, 50).expect("news");
    assert_eq!(first.exchanges.len(), 10);
    assert!(
        history
            .since(&Filter::default(), first.newest, 50)
            .expect("news")
            .exchanges
            .is_empty()
    );
    fill(&history, &exchanges[10..]);
    let next = history
        .since(&Filter::default(), first.newest, 50)
        .expect("news");
    assert_eq!(ids(&next.exchanges).len(), 20);
    assert!(next.newest > first.newest);
    // A number from before a restart: everything is news.
    assert_eq!(
        history
            .since(&Filter::default(), 1 << 40, 50)
            .expect("news")
            .exchanges
            .len(),
        30
    );
}

#[test]
fn sums_sessions_rules_and_the_map_add_up() {
    let exchanges = some(400, 8);
    let history = History::open(None, 1000).expect("a history");
    fill(&history, &exchanges);
    let now = NOW / 1_000_000;
    let tokens = |exchanges: &mut dyn Iterator<Item = &Observed>| {
        exchanges
            .map(|observed| observed.record.usage.input.unwrap_or(0))
            .sum::<u64>()
    };
    for window in Window::ALL {
        let (all, teams) = history.teams(window, now).expect("sums");
        assert_eq!(all.sum.exchanges, 400, "{window:?}");
        assert_eq!(all.sum.tokens_in, tokens(&mut exchanges.iter()));
        assert_eq!(all.steps.len(), window.steps().1);
        for team in &teams {
            let mut own = exchanges.iter().filter(|observed| {
                observed
                    .record
                    .caller
                    .as_ref()
                    .is_some_and(|caller| *caller.team == *team.team)
            });
            assert_eq!(
                team.sum.tokens_in,
                tokens(&mut own),
                "{window:?} {}",
                team.team
            );
            let steps: u64 = team.steps.iter().map(|sum| sum.exchanges).sum();
            assert_eq!(steps, team.sum.exchanges);
        }
    }
    let sessions = history.sessions(None, 100).expect("sessions");
    assert_eq!(
        sessions
            .iter()
            .map(|session| session.sum.exchanges)
            .sum::<u64>(),
        400
    );
    assert!(sessions.is_sorted_by(|a, b| a.newest > b.newest));
    let second = history
        .sessions(Some(sessions[9].newest), 100)
        .expect("sessions");
    assert_eq!(second, sessions[10..]);
    let refused = |rule: &str| {
        exchanges
            .iter()
            .filter(|observed| {
                observed
                    .record
                    .refused_by
                    .iter()
                    .any(|known| &**known == rule)
            })
            .count() as u64
    };
    for rule in history.rules(0).expect("rules") {
        assert_eq!(rule.refused, refused(&rule.rule), "{}", rule.rule);
    }
    for edge in history.map(0).expect("a map") {
        let uses =
            |observed: &&Observed| {
                let record = &observed.record;
                let calls = record.calls.iter().any(|call| call.tool == edge.to);
                record.caller.as_ref().is_some_and(|caller| {
                    *caller.agent == *edge.agent && *caller.team == *edge.team
                }) && match edge.kind {
                    sallyport_console::Node::Model => record.model.as_deref() == Some(&edge.to),
                    sallyport_console::Node::Tool => calls,
                }
            };
        let blocked = exchanges
            .iter()
            .filter(uses)
            .filter(|observed| {
                matches!(observed.record.verdict, Verdict::Denied | Verdict::Steered)
            })
            .count() as u64;
        assert_eq!(
            (edge.count, edge.blocked),
            (exchanges.iter().filter(uses).count() as u64, blocked),
            "{edge:?}"
        );
        assert_eq!(edge.rule.is_some(), blocked > 0);
    }
    let found: u64 = history
        .findings(0)
        .expect("findings")
        .iter()
        .map(|count| count.scores.iter().sum::<u64>())
        .sum();
    let wanted: usize = exchanges
        .iter()
        .map(|observed| observed.record.findings.len())
        .sum();
    assert_eq!(found, wanted as u64);
}

#[test]
fn every_question_of_one_thing_uses_an_index() {
    let history = History::open(None, 10).expect("a history");
    let word = || Some("x".to_owned());
    let questions = [
        Filter {
            team: word(),
            ..Filter::default()
        },
        Filter {
            agent: word(),
            ..Filter::default()
        },
        Filter {
            verdict: Some(Verdict::Denied),
            ..Filter::default()
        },
        Filter {
            operation: word(),
            ..Filter::default()
        },
        Filter {
            model: word(),
            ..Filter::default()
        },
        Filter {
            upstream: word(),
            ..Filter::default()
        },
        Filter {
            session: word(),
            ..Filter::default()
        },
        Filter {
            rule: word(),
            ..Filter::default()
        },
        Filter {
            tool: word(),
            ..Filter::default()
        },
        Filter {
            finding: word(),
            ..Filter::default()
        },
        Filter {
            text: word(),
            ..Filter::default()
        },
        Filter::default(),
    ];
    for question in questions {
        let plan = history.plan(&question).expect("a plan");
        // What is found is at most a page; how it is found is what counts.
        let search: Vec<&String> = plan
            .iter()
            .take_while(|step| *step != "SCAN found")
            .collect();
        assert!(search.len() < plan.len(), "{plan:#?}");
        let by_word =
            question.rule.is_some() || question.tool.is_some() || question.finding.is_some();
        let index = match () {
            () if question == Filter::default() => search
                .iter()
                .any(|step| step.contains("INTEGER PRIMARY KEY") || *step == "SCAN e"),
            () if by_word => search
                .iter()
                .any(|step| step.contains("SEARCH lead USING PRIMARY KEY (kind=? AND word=?")),
            () => {
                search.iter().any(|step| step.contains("INDEX by_"))
                    && !search.iter().any(|step| step.starts_with("SCAN"))
            }
        };
        let sorted = search.iter().any(|step| step.contains("TEMP B-TREE"));
        // Ids, traces and sessions are three indexes: what they find is few, and is sorted.
        assert!(
            index && (!sorted || question.text.is_some()),
            "{question:?}\n{plan:#?}"
        );
    }
}

/// How long the pages' questions take over many exchanges: `cargo test -p sallyport-console --test history -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn measure() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in [None, Some(folder.path().join("history.db"))] {
        let history = History::open(file.as_deref(), 100_000).expect("a history");
        let began = std::time::Instant::now();
        fill(&history, &some(100_000, 8));
        println!(
            "{file:?}: {} exchanges written in {:?}",
            history.exchanges(),
            began.elapsed()
        );
        let now = NOW / 1_000_000;
        let timed = |what: &str, ask: &dyn Fn()| {
            ask();
            let began = std::time::Instant::now();
            ask();
            println!("  {what}: {:?}", began.elapsed());
        };
        let page = |filter: Filter| {
            move |history: &History| drop(history.page(&filter, None, 50).expect("a page"))
        };
        timed("newest 50", &|| page(Filter::default())(&history));
        timed("by team and verdict", &|| {
            page(Filter {
                team: Some("payments".into()),
                verdict: Some(Verdict::Denied),
                ..Filter::default()
            })(&history)
        });
        timed("by rule", &|| {
            page(Filter {
                rule: Some("injection".into()),
                ..Filter::default()
            })(&history)
        });
        timed("by rule and a rare model", &|| {
            page(Filter {
                rule: Some("injection".into()),
                model: Some("none".into()),
                ..Filter::default()
            })(&history)
        });
        timed("by beginning of a label", &|| {
            page(Filter {
                finding: Some("nothing.*".into()),
                ..Filter::default()
            })(&history)
        });
        timed("by time long ago", &|| {
            page(Filter {
                to_ms: Some(now - 90_000_000),
                ..Filter::default()
            })(&history)
        });
        timed("page 1000", &|| {
            drop(
                history
                    .page(&Filter::default(), Some(history.newest() - 50_000), 50)
                    .expect("a page"),
            )
        });
        timed("sessions", &|| {
            drop(history.sessions(None, 50).expect("sessions"))
        });
        timed("teams 1h", &|| {
            drop(history.teams(Window::Hour, now).expect("sums"))
        });
        timed("teams 30d", &|| {
            drop(history.teams(Window::Month, now).expect("sums"))
        });
        timed("map 30d", &|| {
            drop(history.map(Window::Month.start(now)).expect("a map"))
        });
        timed("rules 30d", &|| {
            drop(history.rules(Window::Month.start(now)).expect("rules"))
        });
        timed("findings 30d", &|| {
            drop(
                history
                    .findings(Window::Month.start(now))
                    .expect("findings"),
            )
        });
        if let Some(file) = &file {
            println!(
                "  {} MiB on disk",
                std::fs::metadata(file).expect("a file").len() >> 20
            );
        }
    }
}
