//! Waiting for what became of an operation that was taken in.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::engine::{Engine, Ran};
use super::operation::SubmitError;
use super::unwritten::internal;
use crate::checkout::{Answer, Checkout, KeyRef};

/// An operation that was taken in.
pub struct Submitted {
    pub(super) engine: Engine,
    pub(super) checkout: Checkout,
    pub(super) source: AnswerSource,
    /// The run, where it is in this process.
    pub(super) run: Option<Ran>,
    /// Whether the key was bound before this request came.
    pub replayed: bool,
}

/// How the answer is recognized.
pub(super) enum AnswerSource {
    /// It is known.
    Answered(Answer),
    /// By the version of the goal, and by the key where there is one.
    Goal(i64, Option<KeyRef>),
    /// By the key, which an earlier request bound.
    Key(KeyRef),
}

/// What became of an operation by the time that its caller stopped waiting.
pub struct Waited {
    /// The checkout now.
    pub checkout: Checkout,
    /// `None`: it is still running, waiting or unknown.
    pub answer: Option<Answer>,
    /// Whether the answer was recorded for an earlier request with the same key.
    pub replayed: bool,
}

impl Submitted {
    /// The checkout as it was taken in.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// Waits for the answer, at most this long. The work goes on whether anybody waits or not, and whether or not the
    /// database can be asked meanwhile: it was recorded.
    pub async fn wait(mut self, at_most: Duration) -> Result<Waited, SubmitError> {
        match self.heard(at_most).await {
            Ok(answer) => Ok(self.waited(answer)),
            Err(SubmitError::Unavailable { .. }) => Ok(self.waited(None)),
            Err(refusal) => Err(refusal),
        }
    }

    async fn heard(&mut self, at_most: Duration) -> Result<Option<Answer>, SubmitError> {
        if at_most.is_zero() && matches!(self.source, AnswerSource::Goal(..)) {
            // Whoever does not want to wait is told at once that it was taken in, however fast it may be done.
            return Ok(None);
        }
        let deadline = Instant::now() + at_most;
        let mut watch = self.engine.watch(self.checkout.id);
        if let Some(run) = self.run.take()
            && let Ok(Ok(checkout)) = timeout_at(deadline, run).await
        {
            self.checkout = checkout;
        } else if !matches!(self.source, AnswerSource::Answered(_)) {
            self.checkout = self.engine.snapshot(self.checkout.id).await?;
        }
        loop {
            if let Some(answer) = self.answer().await? {
                if matches!(self.source, AnswerSource::Key(_)) {
                    // The key was asked after the checkout was read, and may know more than that.
                    self.checkout = self.engine.snapshot(self.checkout.id).await?;
                }
                return Ok(Some(answer));
            }
            if timeout_at(deadline, watch.changed()).await.is_err() {
                return Ok(None);
            }
            self.checkout = self.engine.snapshot(self.checkout.id).await?;
        }
    }

    async fn answer(&self) -> Result<Option<Answer>, SubmitError> {
        Ok(match &self.source {
            AnswerSource::Answered(answer) => Some(answer.clone()),
            AnswerSource::Goal(goal_version, key) => match (&self.checkout.answered, key) {
                (Some(answered), _) if answered.goal_version == *goal_version => {
                    Some(answered.answer.clone())
                }
                // A later operation has ended since; only a key remembers what became of this one.
                (Some(answered), Some(key)) if answered.goal_version > *goal_version => {
                    self.answer_of(key).await?
                }
                _ => None,
            },
            AnswerSource::Key(key) => self.answer_of(key).await?,
        })
    }

    async fn answer_of(&self, key: &KeyRef) -> Result<Option<Answer>, SubmitError> {
        let bound = self.engine.inner.db.bound_key(key).await.map_err(internal)?;
        Ok(bound.and_then(|bound| bound.answer))
    }

    fn waited(self, answer: Option<Answer>) -> Waited {
        Waited { checkout: self.checkout, answer, replayed: self.replayed }
    }
}
