/* A restore of one product and the orders for its only unit: two placings, a cancel and the holds' alarms, each of which may
 * sleep at any step, also through the whole restore; a backup that is read while the shop sells, first D1 and then the
 * object; and the reconciliation that ends a restore. With -DOPERATORS there is one order only, and a second operator, who
 * restores the same backup at any moment: each may sleep before any of its calls, through the whole restore of the other. What placing itself goes through is
 * placing.pml's.
 *
 * Planted faults, and the property that each must break:
 *   -DNO_GENERATION   a commit does not ask whether a restore has begun since its facts were read   (living_is_held)
 *   -DOBEYS_THE_DEAD  a restored object takes commands that were sent before the restore           (living_is_held)
 *   -DHALF_LOADED     an object takes commands between two parts of its restore, as of a Worker
 *                     that names no generation                                                     (sold_once)
 *   -DOLD_ANSWER      an alarm applies an answer although its object was restored meanwhile        (living_is_held)
 *   -DEMPTIES_LATE    an object is emptied by a restore of before                                  (living_is_held)
 *   -DPUTS_BACK_LATE  an object is loaded by a restore that has not emptied it                     (living_is_held)
 *   -DLOADS_LATE      the batch that loads D1 does not ask of which restore it is                  (living_is_held)
 *   -DOPENS_LATE      the shop is opened by a restore of before                                    (living_is_held)
 */
mtype = { none, placed, rejected, abandoned };            /* a claim's fate: its row in D1 */
mtype = { nothing, confirmed, cancelled };                /* an order's row; it has the index of its claim */
mtype = { open, restoring, stopped };                     /* whether the shop sells */
mtype fate[2] = none; mtype order[2] = nothing;
mtype selling = open; byte generation = 0;                /* in no backup */
bool hold[2], gone[2]; byte avail = 1;                    /* in the Stock object */
byte epoch = 0, own = 0; bool loading, whole = true;      /* how often it was made anew; its restore generation */
mtype b_fate[2], b_order[2]; bool b_hold[2], b_gone[2]; byte b_avail;
bool saved, unheld, calm = false;

#define LIVES(c) (order[c] == confirmed)
#define DEAD(c)  (fate[c] == rejected || fate[c] == abandoned || (fate[c] == placed && !LIVES(c)))

#ifdef NO_GENERATION
#define MAY_COMMIT(g) (selling != restoring)
#else
#define MAY_COMMIT(g) (selling != restoring && generation == g)
#endif
#ifdef HALF_LOADED
#define IS_WHOLE true
#else
#define IS_WHOLE (!loading)
#endif
#if defined(OBEYS_THE_DEAD) || defined(HALF_LOADED)
#define TAKES(g) IS_WHOLE
#else
#define TAKES(g) (IS_WHOLE && g >= own)
#endif
#ifdef OLD_ANSWER
#define IS_SAME(e) true
#else
#define IS_SAME(e) (epoch == e && !loading)
#endif

#define IS_MINE(g) (selling == restoring && generation == g)
#ifdef EMPTIES_LATE
#define MAY_EMPTY(g) true
#else
#define MAY_EMPTY(g) (own < g || (own == g && loading))
#endif
#ifdef PUTS_BACK_LATE
#define MAY_LOAD(g) true
#else
#define MAY_LOAD(g) (own == g && loading)
#endif
#ifdef LOADS_LATE
#define MAY_WRITE(g) true
#else
#define MAY_WRITE(g) IS_MINE(g)
#endif
#ifdef OPENS_LATE
#define MAY_OPEN(g) true
#else
#define MAY_OPEN(g) (selling == stopped && generation == g)
#endif

inline let_go(c) { if :: hold[c] -> hold[c] = false; avail++ :: else fi; gone[c] = true }
inline release(c, g) { d_step { if :: TAKES(g) -> let_go(c) :: else fi } }
inline reserve(c, g, r) { d_step {
  if :: !TAKES(g) -> r = 2
     :: TAKES(g) && gone[c] -> r = 2
     :: TAKES(g) && !gone[c] && hold[c] -> r = 1
     :: TAKES(g) && !gone[c] && !hold[c] && avail > 0 -> avail--; hold[c] = true; r = 1
     :: else -> r = 0 fi } }
/* One batch; refused as a whole by the fence, and then the claim is given up, which no fence refuses. */
inline record(c, g, r) { d_step {
  if :: fate[c] == none && MAY_COMMIT(g) && r == 1 -> fate[c] = placed; order[c] = confirmed
     :: fate[c] == none && MAY_COMMIT(g) && r == 0 -> fate[c] = rejected
     :: fate[c] == none && (!MAY_COMMIT(g) || r == 2) -> if :: selling != restoring -> fate[c] = abandoned :: else fi
     :: else fi } }

proctype Worker(byte c) {
  byte g, r;
  if
  :: d_step { selling == open -> g = generation };
     reserve(c, g, r);
     record(c, g, r);
     if :: DEAD(c) -> release(c, g) :: else fi
  :: skip
  fi
}

proctype Cancel() {
  byte g; bool won;
  if
  :: d_step { selling == open && LIVES(0) -> g = generation };
     d_step { if :: MAY_COMMIT(g) && LIVES(0) -> order[0] = cancelled; won = true :: else fi };
     if :: won -> if :: release(0, g) :: skip fi :: else fi
  :: skip
  fi
}

proctype Alarm(byte c) {
  byte e; bool dead;
end: do
  :: d_step { hold[c] && !loading && !(fate[c] == placed && LIVES(c)) -> e = epoch };
     d_step { selling != restoring -> if :: fate[c] == none -> fate[c] = abandoned :: else fi; dead = DEAD(c) };
     d_step { if :: dead && IS_SAME(e) && IS_WHOLE -> let_go(c) :: else fi; dead = false; e = 0 }
  od
}

inline read_d1() { d_step {
  b_fate[0] = fate[0]; b_fate[1] = fate[1]; b_order[0] = order[0]; b_order[1] = order[1] } }
inline read_object() { d_step {
  b_hold[0] = hold[0]; b_hold[1] = hold[1]; b_gone[0] = gone[0]; b_gone[1] = gone[1]; b_avail = avail } }
inline load_object() {
  hold[0] = b_hold[0]; hold[1] = b_hold[1]; gone[0] = b_gone[0]; gone[1] = b_gone[1]; avail = b_avail }
/* A hold of no living order is fenced and let go; then a living order whose hold is gone gets its unit back. */
inline reconcile() { d_step { if :: selling != restoring && !loading ->
  if :: hold[0] && !LIVES(0) -> if :: fate[0] == none -> fate[0] = abandoned :: else fi; let_go(0) :: else fi;
  if :: hold[1] && !LIVES(1) -> if :: fate[1] == none -> fate[1] = abandoned :: else fi; let_go(1) :: else fi;
  if :: LIVES(0) && !hold[0] && avail > 0 -> avail--; hold[0] = true; gone[0] = false :: else fi;
  if :: LIVES(1) && !hold[1] && avail > 0 -> avail--; hold[1] = true; gone[1] = false :: else fi;
  unheld = (LIVES(0) && !hold[0]) || (LIVES(1) && !hold[1]) :: else fi } }

proctype Backup() { read_d1(); read_object(); saved = true }

/* Each call carries the generation that its restore has raised; one that is refused ends the restore. */
proctype Restore() {
  byte g; bool refused;
  d_step { saved -> selling = restoring; generation++; g = generation };
  d_step { if :: MAY_EMPTY(g) -> hold[0] = false; hold[1] = false; gone[0] = false; gone[1] = false; avail = 0;
                                 own = g; loading = true; epoch++; whole = false
              :: else -> refused = true fi };
  if :: refused -> goto superseded :: else fi;
  d_step { if :: MAY_WRITE(g) -> fate[0] = b_fate[0]; fate[1] = b_fate[1]; order[0] = b_order[0]; order[1] = b_order[1]
              :: else -> refused = true fi };
  if :: refused -> goto superseded :: else fi;
  d_step { if :: MAY_LOAD(g) -> load_object() :: else -> refused = true fi };
  if :: refused -> goto superseded :: else fi;
  d_step { if :: MAY_LOAD(g) -> avail = b_avail; loading = false; whole = true  /* the last lines of the ledger */
              :: else -> refused = true fi };
  if :: refused -> goto superseded :: else fi;
  d_step { if :: IS_MINE(g) -> selling = stopped :: else -> refused = true fi };
  if :: refused -> goto superseded :: else fi;
  reconcile();
  d_step { if :: MAY_OPEN(g) && !unheld -> selling = open :: else fi };
superseded: skip
}

init {
  atomic {
    run Worker(0); run Alarm(0); run Backup(); run Restore();
#ifdef OPERATORS
    run Restore();
#else
    run Worker(1); run Cancel(); run Alarm(1);
#endif
  };
  timeout -> calm = true
}

ltl living_is_held { [] (selling == open -> ((!LIVES(0) || hold[0]) && (!LIVES(1) || hold[1]))) }
ltl sold_once      { [] (whole -> (avail + hold[0] + hold[1] == 1)) }
ltl one_living     { [] (selling == open -> LIVES(0) + LIVES(1) <= 1) }
ltl calm_holds     { [] (calm -> ((!hold[0] || LIVES(0)) && (!hold[1] || LIVES(1)))) }
ltl calm_repaired  { [] (calm -> !unheld) }
ltl never_calm     { [] !calm }
