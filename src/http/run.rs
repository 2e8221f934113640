//! From a request that was understood to the answer: hand it to the saga, wait as long as the caller wants to.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::State;
use super::answer::{Manner, set_location, snapshot};
use super::auth::{CheckoutToken, Principal};
use super::extract::{Ask, Target};
use super::prefer::Wait;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::table::Slug;
use super::trace::Trace;
use crate::checkout::{Answer, Status};
use crate::saga::{NewCheckout, Operation, Refusal, Submitted};

impl State {
    /// Does something to its end, whether or not the caller is still there: what was begun must be handed to the
    /// engine, so that it goes on at once.
    async fn undisturbed<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.0.tasks.spawn(work).await {
            Ok(done) => done.map_err(Problem::from),
            Err(error) => Err(Problem::internal(&error.to_string())),
        }
    }

    /// Creates a checkout and answers with it and its token.
    pub(super) async fn create(
        &self,
        trace: &Trace,
        new: NewCheckout,
        request: crate::saga::Request,
        wait: Wait,
    ) -> Result<Response, Problem> {
        let secret = CheckoutToken::secret();
        let engine = self.engine().clone();
        let proof = CheckoutToken::proof_of(&secret);
        let submitted = self.undisturbed(async move { engine.create(new, request, proof).await }).await?;
        let id = submitted.checkout().id;
        trace.concerns(id);
        let token = CheckoutToken::new(id, secret).text();
        let waited = submitted.wait(wait.duration()).await?;
        let manner = Manner { done: StatusCode::CREATED, pays: false, wait, replayed: waited.replayed };
        // A storefront goes on with a checkout whose cart was made and whose address, for example, was refused.
        let mut response = manner.answer(
            &waited.checkout,
            waited.answer,
            |checkout| serde_json::to_value(Snapshot::of(checkout).with_token(&token)).unwrap_or_default(),
            |problem| problem.with("checkout_token", token.as_str().into()),
        );
        set_location(&mut response, &waited.checkout);
        Ok(response)
    }

    /// Runs an operation on a checkout and answers with its snapshot. `canonical` is the body as it counts for the
    /// fingerprint.
    pub(super) async fn run(
        &self,
        target: &Target,
        ask: &Ask,
        operation: Operation,
        canonical: &str,
    ) -> Result<Response, Problem> {
        let pays = matches!(operation, Operation::Payment { .. } | Operation::Complete(_));
        let submitted = self.submit(target, ask, operation, canonical).await??;
        let waited = submitted.wait(ask.wait.duration()).await?;
        let manner = Manner { done: StatusCode::OK, pays, wait: ask.wait, replayed: waited.replayed };
        Ok(manner.answer(
            &waited.checkout,
            waited.answer,
            |checkout| serde_json::to_value(Snapshot::of(checkout)).unwrap_or_default(),
            |problem| problem,
        ))
    }

    async fn submit(
        &self,
        target: &Target,
        ask: &Ask,
        operation: Operation,
        canonical: &str,
    ) -> Result<Result<Submitted, Refusal>, Problem> {
        let request = ask.request(self, target, operation.name(), canonical).await?;
        let (engine, id) = (self.engine().clone(), target.id);
        self.undisturbed(async move { Ok(engine.submit(id, operation, request).await) }).await
    }

    /// Undoes a checkout. Asking for it again changes nothing.
    pub(super) async fn cancel(&self, target: &Target, ask: &Ask) -> Result<Response, Problem> {
        let submitted = match self.submit(target, ask, Operation::Cancel, "").await? {
            Err(Refusal::Closed) => return self.cancelled_before(target, ask).await,
            other => other?,
        };
        let waited = submitted.wait(ask.wait.duration()).await?;
        let manner = Manner { done: StatusCode::OK, pays: false, wait: ask.wait, replayed: waited.replayed };
        Ok(manner.answer(
            &waited.checkout,
            waited.answer,
            |checkout| serde_json::to_value(Snapshot::of(checkout)).unwrap_or_default(),
            |problem| problem,
        ))
    }

    async fn cancelled_before(&self, target: &Target, ask: &Ask) -> Result<Response, Problem> {
        let deadline = tokio::time::Instant::now() + ask.wait.duration();
        let mut watch = self.engine().watch(target.id);
        loop {
            let checkout = self.engine().snapshot(target.id).await?;
            let manner = Manner { done: StatusCode::OK, pays: false, wait: ask.wait, replayed: false };
            let body = |checkout: &_| serde_json::to_value(Snapshot::of(checkout)).unwrap_or_default();
            match checkout.status {
                Status::Cancelled => {
                    return Ok(manner.answer(&checkout, Some(Answer::Done), body, |problem| problem));
                }
                Status::Compensating => {
                    if tokio::time::timeout_at(deadline, watch.changed()).await.is_err() {
                        return Ok(manner.answer(&checkout, None, body, |problem| problem));
                    }
                }
                _ => return Ok(Problem::of(Slug::CheckoutClosed).about(&checkout).into_response()),
            }
        }
    }

    /// The checkout as it is now.
    pub(super) async fn read(&self, target: &Target) -> Result<Response, Problem> {
        Ok(snapshot(&self.engine().snapshot(target.id).await?))
    }
}

impl Principal {
    /// The store of a caller who may create checkouts.
    pub(super) fn may_create(&self) -> Result<&str, Problem> {
        match self {
            Self::Storefront { store, .. } => Ok(store),
            Self::Checkout(_) => {
                let detail =
                    "a checkout token acts on its own checkout only; create checkouts with a storefront key";
                Err(Problem::new(Slug::Forbidden, detail))
            }
        }
    }
}
