//! Groups are taken in order, and never hold what cannot be written by one statement.

use crate::db::Binding;
use crate::db::error::is_refusal;
use crate::db::transition::committer::*;

/// Queues a row of this checkout that binds this key; its receiver stands for whoever waits.
fn queue(
    waiting: &mut VecDeque<Queued>,
    checkout: u128,
    key: Option<&str>,
    again: bool,
) -> oneshot::Receiver<Written> {
    let binding = key.map(|key| Binding {
        key: KeyRef { principal: "web".to_owned(), key: key.parse().expect("a key") },
        operation: "create".to_owned(),
        fingerprint: [0; 32],
        again,
    });
    let columns =
        TransitionRow { checkout_id: Uuid::from_u128(checkout), binding, ..TransitionRow::default() };
    let (answer, receiver) = oneshot::channel();
    waiting.push_back(Queued { columns: Box::new(columns), since: Instant::now(), answer });
    receiver
}

fn ids(group: &[Queued]) -> Vec<u128> {
    group.iter().map(|queued| queued.columns.checkout_id.as_u128()).collect()
}

#[test]
fn no_checkout_is_twice_in_a_group_and_each_keeps_its_order() {
    let mut waiting = VecDeque::new();
    let _waiters: Vec<_> =
        [5, 3, 5, 4, 5, 3].map(|checkout| queue(&mut waiting, checkout, None, false)).into();
    let mut fives = Vec::new();
    for expected in [vec![3, 4, 5], vec![3, 5], vec![5], vec![]] {
        let group = take(&mut waiting);
        assert_eq!(ids(&group), expected, "locked in the same order by all");
        fives.extend(group.into_iter().filter(|queued| queued.columns.checkout_id.as_u128() == 5));
    }
    assert!(fives.is_sorted_by_key(|queued| queued.since), "first come, first served");
}

#[test]
fn no_key_is_bound_twice_in_a_group_and_who_waits_for_that_keeps_its_place() {
    let mut waiting = VecDeque::new();
    let _waiters = [
        queue(&mut waiting, 1, Some("same"), false),
        queue(&mut waiting, 2, Some("same"), false),
        // After what it waits for, although nothing else is in its way.
        queue(&mut waiting, 2, None, false),
        // Bound before, so there is nothing to be in the way of.
        queue(&mut waiting, 3, Some("same"), true),
        queue(&mut waiting, 4, Some("other"), false),
    ];
    assert_eq!(ids(&take(&mut waiting)), [1, 3, 4]);
    let second = take(&mut waiting);
    assert_eq!(ids(&second), [2]);
    assert!(second.iter().all(|queued| queued.columns.binding.is_some()));
    assert_eq!(ids(&take(&mut waiting)), [2]);
    assert!(waiting.is_empty());
}

#[test]
fn who_has_gone_is_left_out() {
    let mut waiting = VecDeque::new();
    drop(queue(&mut waiting, 1, None, false));
    let _stays = queue(&mut waiting, 1, None, false);
    assert_eq!(ids(&take(&mut waiting)), [1]);
    assert!(waiting.is_empty());
}

#[test]
fn only_an_answer_of_the_database_says_that_nothing_was_written() {
    assert!(!is_refusal(&sqlx::Error::WorkerCrashed));
    assert!(!is_refusal(&sqlx::Error::Io(std::io::Error::other("reset"))));
    assert!(!is_refusal(&sqlx::Error::PoolTimedOut));
}
