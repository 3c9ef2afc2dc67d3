/* One cart and the orders that are made of it: two clicks without a key, which are twins where they read the same, and
 * may die at any step; something put into it; an order that expires or is cancelled, with a release that may be lost; a
 * payment after an order expired; the alarms of the holds; and when all is calm, a click again. A cart is spent exactly
 * while a living order names it, and nowhere is that written down.
 *
 * One step is one call: a batch to D1, or an RPC to a Stock object. What a claim goes through before it is recorded is
 * placing.pml's, how a late payment gets its next claim payment.pml's.
 *
 * The scene:
 *   -DTABS       a third click has a key of its own; nothing is put into the cart
 *   -DLAST_UNIT  there is one unit; else there are enough for all who try
 *   -DSIGN_IN    the cart is a guest's, who signs in, so it goes into the user's; the clicks are at one each
 *
 * Planted faults, and the property that each must break:
 *   -DSPENT_TWICE      a checkout asks whether its cart is spent when it reads, not in its record (one_living)
 *   -DREVIVES_ANYWAY   a late payment does not ask for other orders of the cart                   (one_living)
 *   -DREVIVED_IS_DEAD  an order that was revived does not spend its cart again                    (one_living)
 *   -DMERGE_IN_PLACE   a sign-in leaves the version of the guest's cart as it was                 (one_living, with -DSIGN_IN)
 *   -DORDERS_STAY      the guest's dead orders go on naming the guest's cart                      (one_living, with -DSIGN_IN)
 *   -DANY_VERSION      a checkout is recorded whatever was put into the cart since                (as_read)
 *   -DPUT_ANYWAY       a spent cart can be changed                                                (spent_stays)
 *   -DNO_FATE          who falls by the cart's guard lets go without a fate                       (living_is_held, with -DTABS)
 *   -DNO_FENCE         an alarm lets go a claim without a fate, without writing one               (living_is_held)
 *   -DRELEASE_BY_DELTA a release adds a unit, whether or not one was held                         (sold_once)
 *   -DDROP_DEADLINE    an alarm that saw a living order never asks again                          (calm_holds)
 *   -DSTAYS_SPENT      a cart is marked as spent, and that stays when its order dies              (calm_orderable)
 *   -DONE_GENERATION   without a key, a cart at its version stands for one though its order died  (calm_orderable)
 *   -DREFUND_FORGOTTEN a late payment finds the cart ordered again, and that is all               (calm_paid)
 *   -DSTUBBORN         who finds the cart spent looks again until it is not                       (comes_to_rest)
 */
#define NOBODY 9
#define CLICKS 3                                          /* claims of clicks: the last is kept for the last click */
#define REVIVAL 3                                         /* the claim of the late payment */
#define TAB 99                                            /* the key that a tab brings along */
#ifdef LAST_UNIT
#define UNITS 1
#else
#define UNITS 4
#endif
#ifdef SIGN_IN
#define USERS 1                                           /* the user's cart; the guest's is 0 */
#else
#define USERS 0
#endif

mtype = { none, placed, rejected, abandoned };            /* a claim's fate: its row in D1 */
mtype = { nothing, living, expired, cancelled };          /* an order's row; it has the index of its first claim */
mtype fate[4] = none; mtype order[CLICKS] = nothing;
byte cart[CLICKS], key[CLICKS], fresh;                    /* what an order names; what stands under which key */
byte version[2], last[2];                                 /* a cart's row: its version, and how many orders it had */
byte revived = NOBODY, paid = NOBODY; bool refunded;      /* the order that the late payment is for, and what came of it */
bool hold[4], gone[4]; byte avail = UNITS;                /* in the Stock object */
bool merged, stale, changed_spent, died, at_last, calm;
#ifdef STAYS_SPENT
bool marked[2];
#define MARK(t)     marked[t] = true
#else
#define MARK(t)     skip
#endif
#ifdef DROP_DEADLINE
bool seen[4];
#define ASKS(c)     (hold[c] && !seen[c])
#else
#define ASKS(c)     hold[c]
#endif

#define LIVES(o)    (order[o] == living)
#define NAMES(o, t) (LIVES(o) && cart[o] == t)
#define LIVING      (LIVES(0) + LIVES(1) + LIVES(2))
#ifdef REVIVED_IS_DEAD
#define COUNTS(o)   (revived != o)
#else
#define COUNTS(o)   true
#endif
#define SPENDS(o, t) (NAMES(o, t) && COUNTS(o))
#ifdef STAYS_SPENT
#define SPENT(t)    (marked[t])
#else
#define SPENT(t)    (SPENDS(0, t) || SPENDS(1, t) || SPENDS(2, t))
#endif
#define NAMED(c)    ((c == REVIVAL && revived != NOBODY && LIVES(revived)) || (c != REVIVAL && LIVES(c) && revived != c))
#define DEAD(c)     (fate[c] == rejected || fate[c] == abandoned || (fate[c] == placed && !NAMED(c)))

#ifdef ONE_GENERATION
#define KEY(t, v, g) (1 + t * 16 + v * 4)
#else
#define KEY(t, v, g) (1 + t * 16 + v * 4 + g)
#endif

/* What a record asks of its cart. */
#ifdef ANY_VERSION
#define AS_READ(t, v) true
#else
#define AS_READ(t, v) (version[t] == v)
#endif
#ifdef SPENT_TWICE
#define FREE(t) true
#else
#define FREE(t) (!SPENT(t))
#endif
#define ALLOWS(t, v) (AS_READ(t, v) && FREE(t))
#ifdef REVIVES_ANYWAY
#define MAY_REVIVE(t) true
#else
#define MAY_REVIVE(t) (!SPENT(t))
#endif

inline release(c) { d_step {
  if :: hold[c] -> hold[c] = false; avail++
#ifdef RELEASE_BY_DELTA
     :: !hold[c] -> avail++
#endif
     :: else fi;
  gone[c] = true } }
inline reserve(c, r) { d_step {
  if :: gone[c] -> r = 2
     :: !gone[c] && hold[c] -> r = 1
     :: !gone[c] && !hold[c] && avail > 0 -> avail--; hold[c] = true; r = 1
     :: else -> r = 0 fi } }
inline may_die() { if :: !died -> died = true; goto left :: skip fi }
/* The claim under a key: what stands there, or a fresh one. An abandoned one has let go before it is replaced. */
inline put_down(k, c) { d_step {
  c = 0;
  do :: c < fresh && key[c] != k -> c++ :: else -> break od;
  if :: c == fresh && (fresh < CLICKS - 1 || (at_last && fresh < CLICKS)) -> key[c] = k; fresh++
     :: c == fresh && !(fresh < CLICKS - 1 || (at_last && fresh < CLICKS)) -> c = NOBODY
     :: else fi } }
/* One batch: the fate, the order, the cart's last order. Who falls by the guard gets a dead fate by its second statement. */
inline record(c, t, v, r) {
  if
  :: fate[c] != none
  :: fate[c] == none && r == 2 -> fate[c] = abandoned
  :: fate[c] == none && r < 2 && ALLOWS(t, v) ->
     last[t]++; cart[c] = t; stale = stale || version[t] != v;
     if :: r == 1 -> fate[c] = placed; order[c] = living; MARK(t)
        :: r == 0 -> fate[c] = rejected fi
  :: fate[c] == none && r < 2 && !ALLOWS(t, v) ->
#ifdef NO_FATE
     skip
#else
     fate[c] = abandoned
#endif
  fi }

proctype Click(byte t; byte given) {
  byte v, g, c, r, k, tries; bool spent;
again: skip;
  d_step { v = version[t]; g = last[t]; spent = SPENT(t) };
  if
  :: t == 0 && merged -> goto left                        /* it is not there any more */
  :: !(t == 0 && merged) && spent ->                      /* told so, or answered by the order that has it */
#ifdef STUBBORN
     goto again
#else
     goto left
#endif
  :: else
  fi;
  if :: given == 0 -> k = KEY(t, v, g) :: else -> k = given fi;
anew:
  put_down(k, c);
  if :: c == NOBODY -> goto left :: else fi;              /* the model has no more claims */
  if
  :: fate[c] == placed || fate[c] == rejected -> goto left /* answered */
  :: fate[c] == abandoned -> goto dead
  :: else
  fi;
  atomic { reserve(c, r); may_die() };
  atomic { record(c, t, v, r); may_die() };
  if                                                      /* obey the row */
  :: fate[c] == rejected -> release(c)
  :: fate[c] == abandoned ->
dead:
     release(c);
     if
     :: version[t] == v && !SPENT(t) && tries == 0 ->     /* the cart is as it was read: the key's next generation */
        tries++; d_step { if :: key[c] == k -> key[c] = 0 :: else fi }; goto anew
     :: else
     fi
#ifdef NO_FATE
  :: fate[c] == none -> release(c)
#endif
  :: else
  fi;
left: skip; d_step { v = 0; g = 0; c = 0; r = 0; k = 0; tries = 0; spent = false }
}

proctype Put() {                                          /* one statement: the cart's next version, if it is not spent */
  atomic {
    if
#ifdef PUT_ANYWAY
    :: true -> changed_spent = SPENT(0); version[0]++
#else
    :: (!SPENT(0) && !merged) -> version[0]++
#endif
    :: true
    fi }
}

/* An order's end: its deadline, unless its payment is here, or its buyer. Stock is told, or that is lost. */
proctype End() {
  byte c;
  atomic {
    if
    :: LIVES(0) -> c = 0
    :: LIVES(1) -> c = 1
    :: skip -> goto left
    fi;
    if
    :: revived != c -> order[c] = expired
    :: order[c] = cancelled; if :: revived == c -> c = REVIVAL :: else fi
    fi
  };
  if :: release(c) :: skip fi;
left: skip; d_step { c = 0 }
}

proctype Late() {                                         /* a payment for an order that has expired */
  byte o, r;
  atomic {
    if
    :: order[0] == expired -> o = 0
    :: order[1] == expired -> o = 1
    :: skip -> goto left
    fi;
    paid = o
  };
  atomic { reserve(REVIVAL, r); may_die() };
  atomic {                                                /* one batch: the fate and the revival, or the fate and the refund */
    if
    :: fate[REVIVAL] != none
    :: fate[REVIVAL] == none && r == 2 -> fate[REVIVAL] = abandoned
    :: fate[REVIVAL] == none && r == 1 && MAY_REVIVE(cart[o]) ->
       fate[REVIVAL] = placed; order[o] = living; revived = o; MARK(cart[o])
    :: fate[REVIVAL] == none && r < 2 && (r == 0 || !MAY_REVIVE(cart[o])) ->
       fate[REVIVAL] = rejected;
#ifdef REFUND_FORGOTTEN
       refunded = MAY_REVIVE(cart[o])
#else
       refunded = true
#endif
    fi;
    may_die() };
  if :: DEAD(REVIVAL) -> release(REVIVAL) :: else fi;
left: skip; d_step { o = 0; r = 0 }
}

#ifdef SIGN_IN
proctype Merge() {                                        /* one batch: the guest's open cart goes into the user's open one */
  byte o;
  if
  :: d_step { (!SPENT(0) && !SPENT(USERS)) -> merged = true; version[USERS]++;
#ifndef MERGE_IN_PLACE
     version[0]++;
#endif
#ifndef ORDERS_STAY
     do :: o < CLICKS -> if :: order[o] != nothing && cart[o] == 0 -> cart[o] = USERS :: else fi; o++ :: else -> break od;
#endif
     o = 0 }
  :: skip
  fi
}
#endif

#ifdef NO_FENCE
#define FENCE(c) d_step { hold[c] && fate[c] == none } -> release(c)
#else
#define FENCE(c) d_step { hold[c] && fate[c] == none -> fate[c] = abandoned }
#endif
proctype Alarms() {                                       /* a hold asks its row for as long as it is open */
end: do
  :: FENCE(0)
  :: FENCE(1)
  :: FENCE(2)
  :: FENCE(REVIVAL)
  :: atomic { ASKS(0) && DEAD(0) -> release(0) }
  :: atomic { ASKS(1) && DEAD(1) -> release(1) }
  :: atomic { ASKS(2) && DEAD(2) -> release(2) }
  :: atomic { ASKS(REVIVAL) && DEAD(REVIVAL) -> release(REVIVAL) }
#ifdef DROP_DEADLINE
  :: d_step { ASKS(0) && NAMED(0) -> seen[0] = true }
  :: d_step { ASKS(1) && NAMED(1) -> seen[1] = true }
#endif
  od
}

init {
  atomic {
    run Alarms(); run End(); run Late(); run Click(0, 0);
#if defined(SIGN_IN)
    run Click(USERS, 0); run Merge()
#elif defined(TABS)
    run Click(0, 0); run Click(0, TAB)
#else
    run Click(0, 0); run Put()
#endif
  };
  timeout -> died = true; at_last = true; run Click(USERS, 0);
  timeout -> calm = true
}

#define HELD(o)      (!LIVES(o) || (revived == o && hold[REVIVAL]) || (revived != o && hold[o]))
#define AT_REST(c)   (!hold[c] || NAMED(c))
#define ABANDONED(c) (fate[c] == abandoned)
#define ANSWERED     (refunded || revived == paid || ABANDONED(REVIVAL) || fate[REVIVAL] == none)

ltl one_living     { [] ((USERS == 0 || merged) -> LIVING <= 1) }
ltl as_read        { [] !stale }
ltl spent_stays    { [] !changed_spent }
ltl living_is_held { [] (HELD(0) && HELD(1) && HELD(2)) }
ltl sold_once      { [] (avail + hold[0] + hold[1] + hold[2] + hold[REVIVAL] == UNITS) }
ltl calm_holds     { [] (calm -> (AT_REST(0) && AT_REST(1) && AT_REST(2) && AT_REST(REVIVAL))) }
ltl calm_orderable { [] (calm -> (LIVING > 0 || (fresh > 0 && (ABANDONED(fresh - 1))))) }
ltl calm_paid      { [] (calm && paid != NOBODY -> ANSWERED) }
ltl never_calm     { [] !calm }
