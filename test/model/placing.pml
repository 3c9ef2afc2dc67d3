/* Placing one order of two products: a key with two generations of its claim, twin workers that may die at any step,
 * the holds' alarms, a restock, a cancel whose releases may be lost; and when all is calm, a client who asks again.
 *
 * The scene:
 *   -DPLENTY  there are units enough and nobody else wants them: nobody may be told "short"
 *   -DDOUBLE  there are units for two orders
 *
 * Planted faults, and the property that each must break:
 *   -DRELEASE_FIRST     a worker that is short releases before its claim's fate is written        (living_is_held)
 *   -DNO_FENCE          an alarm releases a hold without a fate, without writing one              (living_is_held)
 *   -DRELEASE_BY_DELTA  a release adds a unit, whether or not one was held                        (sold_once)
 *   -DRENEW_BLIND       a key gets its next claim though the one before may yet be placed         (one_order, with -DDOUBLE)
 *   -DDROP_DEADLINE     an alarm that saw a living order never asks again                         (calm_holds)
 *   -DNO_RENEWAL        a key keeps the claim that was abandoned                                  (calm_key)
 *   -DHASTY             the next generation reserves before the abandoned one has let go          (enough_places, with -DPLENTY)
 *   -DSHOVE             an alarm whose claim has no fate hands the unit over and takes it back    (comes_to_rest)
 */
mtype = { none, placed, rejected, abandoned };            /* a claim's fate: its row in D1 */
mtype = { nothing, confirmed, cancelled };                /* the order's row */
mtype fate[2] = none; mtype order = nothing; byte living = 9, key = 0, orders = 0;
bool hold[4], settled[4], seen[4];                        /* index g*2+p, in the Stock objects */
#if defined(DOUBLE)
byte avail[2] = { 2, 2 }; byte stock[2] = { 2, 2 };
#elif defined(PLENTY)
byte avail[2] = { 1, 1 }; byte stock[2] = { 1, 1 };
#else
byte avail[2] = { 1, 0 }; byte stock[2] = { 1, 0 };
#endif
byte crashed = 0; bool calm = false;
#define DEAD(g) (fate[g] == rejected || fate[g] == abandoned)

inline release(g, p) { d_step {
  if :: hold[g*2+p] -> hold[g*2+p] = false; avail[p]++
#ifdef RELEASE_BY_DELTA
     :: !hold[g*2+p] -> avail[p]++
#endif
     :: else fi;
  settled[g*2+p] = true } }
inline reserve(g, p, r) { d_step {
  if :: settled[g*2+p] -> r = 2
     :: !settled[g*2+p] && hold[g*2+p] -> r = 1
     :: !settled[g*2+p] && !hold[g*2+p] && avail[p] > 0 -> avail[p]--; hold[g*2+p] = true; r = 1
     :: else -> r = 0 fi } }
inline write_fate(g, f) { d_step { if :: fate[g] == none -> fate[g] = f :: else fi } }
inline may_die() { if :: crashed < 2 -> crashed++; goto gone :: skip fi }

proctype Worker() {
  byte g = 0, r0 = 0, r1 = 0;
again:
  g = key;                                                /* ask: what stands under the key */
#ifdef RENEW_BLIND
  if :: g == 0 -> key = 1 :: skip fi;
#endif
  if
  :: fate[g] == placed || fate[g] == rejected -> goto gone /* answered */
  :: fate[g] == abandoned -> goto dead
  :: else
  fi;
  atomic { reserve(g, 0, r0); may_die() };
  atomic { reserve(g, 1, r1); may_die() };
#ifdef RELEASE_FIRST
  if :: r0 == 0 || r1 == 0 -> release(g, 0); release(g, 1) :: else fi;
#endif
  atomic {                                                /* one batch: fate, order, history, outbox, the key's answer */
    if :: r0 == 1 && r1 == 1 && fate[g] == none -> fate[g] = placed; order = confirmed; living = g; orders++
       :: r0 != 1 || r1 != 1 -> if :: r0 == 2 || r1 == 2 -> write_fate(g, abandoned) :: else -> write_fate(g, rejected) fi
       :: else fi;
    may_die() };
  if                                                      /* obey the row */
  :: fate[g] == rejected -> atomic { release(g, 0); may_die() }; release(g, 1)
  :: fate[g] == abandoned ->
dead:
#ifndef HASTY
     atomic { release(g, 0); may_die() }; atomic { release(g, 1); may_die() };
#endif
#ifndef NO_RENEWAL
     if :: g == 0 -> atomic { if :: key == g -> key = 1 :: else fi }; goto again :: else fi
#endif
  :: else
  fi;
gone: skip
}

proctype Alarm(byte g; byte p) {                          /* a hold asks its row for as long as it is open */
end: do
  :: d_step { hold[g*2+p] && fate[g] == none } ->
#ifdef NO_FENCE
     release(g, p)
#else
     write_fate(g, abandoned)
#endif
  :: d_step { hold[g*2+p] && DEAD(g) } -> release(g, p)
#ifdef DROP_DEADLINE
  :: d_step { hold[g*2+p] && fate[g] == placed && order == confirmed && !seen[g*2+p] } -> seen[g*2+p] = true
#endif
  :: d_step { hold[g*2+p] && fate[g] == placed && order == cancelled && !seen[g*2+p] } -> release(g, p)
#ifdef SHOVE
  :: d_step { hold[g*2+p] && fate[g] == none -> hold[g*2+p] = false; avail[p]++ }; avail[p]--; hold[g*2+p] = true
#endif
  od
}

proctype Restock() { if :: d_step { avail[1]++; stock[1]++ } :: skip fi }
proctype Cancel() {
  if
  :: d_step { order == confirmed -> order = cancelled }; if :: release(living, 0) :: skip fi; if :: release(living, 1) :: skip fi
  :: skip
  fi
}

init {
  atomic { run Worker(); run Worker(); run Alarm(0, 0); run Alarm(0, 1); run Alarm(1, 0); run Alarm(1, 1);
#ifndef PLENTY
    run Restock();
#endif
    run Cancel() };
  timeout -> crashed = 2; run Worker();
  timeout -> calm = true
}

#define UNITS(p)   (avail[p] + hold[p] + hold[2+p])
#define NAMED(g)   (order == confirmed && living == g)
#define HELD(g)    (!(hold[g*2] || hold[g*2+1]) || NAMED(g))
#define ANSWERED   (fate[key] == placed || fate[key] == rejected)

ltl living_is_held { [] (order == confirmed -> (hold[living*2] && hold[living*2+1])) }
ltl sold_once      { [] (UNITS(0) == stock[0] && UNITS(1) == stock[1]) }
ltl one_order      { [] (orders <= 1) }
ltl calm_holds     { [] (calm -> (HELD(0) && HELD(1))) }
ltl calm_key       { [] (calm -> (ANSWERED || (key == 1 && fate[1] == abandoned))) }
ltl enough_places  { [] (calm -> (fate[0] != rejected && fate[1] != rejected)) }
ltl never_calm     { [] !calm }
