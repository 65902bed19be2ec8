// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Cell, CellLib, Meter, MeterLib} from "../../contracts/types/Meter.sol";
import {Terms, TermsLib} from "../../contracts/types/Terms.sol";
import {LongWheel, LongWheelLib, Wheel, WheelLib} from "../../contracts/types/Wheel.sol";
import {Probe} from "./support/Probe.sol";

/// @notice Packed words: every field holds its whole width and rewriting one leaves the others alone.
contract WordsTest is Probe {
    uint256 private constant MAX_HELD = 2 ** 55 - 1;

    function testFuzz_TermsHoldEveryField(
        uint64 price,
        int64 floor,
        uint32 provider,
        uint32 rateCap,
        uint32 openedAt,
        uint32 end
    ) public pure {
        Terms terms = TermsLib.pack(price, floor, provider, rateCap, openedAt, end);
        vm.assertEq(terms.price(), price, "price");
        vm.assertTrue(terms.floor() == floor, "floor");
        vm.assertEq(terms.provider(), provider, "provider");
        vm.assertEq(terms.rateCap(), rateCap, "rateCap");
        vm.assertEq(terms.openedAt(), openedAt, "openedAt");
        vm.assertEq(terms.end(), end, "end");
    }

    function testFuzz_TermsRewriteOneField(uint256 word, int64 floor, uint32 end) public pure {
        Terms terms = Terms.wrap(word);
        Terms lowered = terms.withFloor(floor);
        vm.assertTrue(lowered.floor() == floor, "floor");
        vm.assertEq(Terms.unwrap(lowered.withFloor(terms.floor())), word, "the rest of a floor");
        Terms stopped = terms.withEnd(end);
        vm.assertEq(stopped.end(), end, "end");
        vm.assertEq(Terms.unwrap(stopped.withEnd(terms.end())), word, "the rest of an end");
    }

    function testFuzz_MeterHoldsEveryField(uint64 remaining, uint8 streams, uint8 kind, uint8 mode) public pure {
        Meter meter = MeterLib.pack(remaining, streams, kind % 4, mode % 4);
        vm.assertEq(meter.remaining(), remaining, "remaining");
        vm.assertEq(meter.streams(), streams, "streams");
        vm.assertEq(meter.kind(), kind % 4, "kind");
        vm.assertEq(meter.mode(), mode % 4, "mode");
        vm.assertEq(meter.state(), MeterLib.LIVE, "state");
    }

    function testFuzz_MeterRewritesOneField(uint256 word, uint64 remaining, uint8 state) public pure {
        Meter meter = Meter.wrap(word);
        Meter paid = meter.withRemaining(remaining);
        vm.assertEq(paid.remaining(), remaining, "remaining");
        vm.assertEq(Meter.unwrap(paid.withRemaining(meter.remaining())), word, "the rest of a remaining");
        Meter closed = meter.withState(state % 4);
        vm.assertEq(closed.state(), state % 4, "state");
        vm.assertEq(Meter.unwrap(closed.withState(meter.state())), word, "the rest of a state");
    }

    function testFuzz_CellsStandSideBySide(uint256 word, uint32 cursor, uint48 units, uint8 position) public pure {
        position %= 3;
        Cell cell = CellLib.pack(cursor, units);
        vm.assertEq(cell.cursor(), cursor, "cursor");
        vm.assertEq(cell.units(), units, "units");
        uint256 written = CellLib.write(word, position, cell);
        vm.assertEq(Cell.unwrap(CellLib.read(written, position)), Cell.unwrap(cell), "cell");
        vm.assertEq(CellLib.write(written, position, CellLib.read(word, position)), word, "the rest of a word");
    }

    function testFuzz_WheelHoldsEveryField(
        uint256 claimable,
        uint256 next,
        uint256 later,
        uint24 day,
        bool revoked
    ) public pure {
        claimable = _within(claimable, 0, MAX_HELD);
        next = _within(next, 0, MAX_HELD);
        later = _within(later, 0, MAX_HELD);
        Wheel wheel = Wheel.wrap(0).withClaimable(claimable).withNext(next).withLater(later).withDay(day);
        if (revoked) wheel = wheel.with(WheelLib.REVOCATIONS);
        wheel = wheel.with(WheelLib.LONG).without(WheelLib.LONG);
        vm.assertEq(wheel.claimable(), claimable, "claimable");
        vm.assertEq(wheel.next(), next, "next");
        vm.assertEq(wheel.later(), later, "later");
        vm.assertEq(wheel.day(), day, "day");
        vm.assertTrue(wheel.has(WheelLib.REVOCATIONS) == revoked, "revocations");
        vm.assertTrue(!wheel.has(WheelLib.LONG), "long");
        vm.assertTrue(wheel.room() == 0, "room");
    }

    function testFuzz_WheelRoomIsSigned(uint256 word, uint256 cover, uint256 unmatured) public pure {
        (cover, unmatured) = (_within(cover, 0, MAX_HELD), _within(unmatured, 0, MAX_HELD));
        Wheel wheel = Wheel.wrap(word & type(uint200).max);
        Wheel used = wheel.addRoom(int256(cover)).addRoom(-int256(unmatured));
        vm.assertTrue(used.room() == int256(cover) - int256(unmatured), "room");
        vm.assertEq(Wheel.unwrap(used) & type(uint200).max, Wheel.unwrap(wheel), "the rest of a room");
    }

    function testFuzz_LongWheelMovesItsBuckets(uint256[4] memory amounts, uint32 day, uint8 span) public pure {
        LongWheel wheel = LongWheel.wrap(day);
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) {
            amounts[i] = _within(amounts[i], 0, MAX_HELD);
            wheel = wheel.add(i, amounts[i]);
        }
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) vm.assertEq(wheel.bucket(i), amounts[i], "bucket");
        uint256 passed = _within(span, 0, 9);
        if (uint256(day) + passed > type(uint32).max) return;
        LongWheel moved = wheel.forward(passed);
        vm.assertEq(moved.day(), day + passed, "day");
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) {
            vm.assertEq(moved.bucket(i), i + passed < LongWheelLib.BUCKETS ? amounts[i + passed] : 0, "moved bucket");
        }
    }
}
