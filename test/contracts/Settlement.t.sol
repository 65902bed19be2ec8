// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {ILedger} from "../../contracts/interfaces/ILedger.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Lane, Outcome} from "../../contracts/interfaces/ITypes.sol";
import {LibraryProbe} from "../../contracts/mocks/LibraryProbe.sol";
import {ReferenceBatchLib} from "../../contracts/reference/ReferenceBatchLib.sol";
import {Probe, Vm} from "./support/Probe.sol";

/// @notice Whole batches: the settlement reads what the plain reading reads, no byte more and no byte less.
/// @dev No deal was opened, so every group is skipped and every leaf has the zero key.
contract SettlementBytesTest is Probe {
    address private constant SENDER = address(0xbeef);
    uint256 private constant RECORD = 16; // bytes of a group's facts
    bytes4 private constant MALFORMED = ISettlement.SettlementMalformedBatch.selector;

    ISettlement private _settlement;
    LibraryProbe private _libraries;

    function setUp() public {
        _libraries = new LibraryProbe();
        address pools = _deploy("Pools.sol:Pools", abi.encode(address(this), address(this)));
        address registry = _deploy("Registry.sol:Registry", abi.encode(pools));
        address dollar = _deploy("DemoDollar.sol:DemoDollar", "");
        address nets = _deploy("Nets.sol:Nets", abi.encode(address(this), dollar, registry, address(this)));
        address faults = _deploy("Faults.sol:Faults", abi.encode(address(this), dollar, registry, nets));
        address desk = _deploy("Desk.sol:Desk", abi.encode(address(this), dollar, registry, address(this), faults));
        ILedger.Parameters memory parameters = ILedger.Parameters(
            1 days,
            3 days,
            1 days,
            7 days,
            1 days,
            10_000,
            1000,
            100,
            50,
            1_000_000
        );
        _settlement = ISettlement(
            _deploy(
                "Settlement.sol:Settlement",
                abi.encode(desk, ICommittee(address(this)), parameters, address(this), address(this))
            )
        );
    }

    /// Any well-formed batch is read as a whole: as many outcomes as groups, and the reference's root over them.
    function testFuzz_SettleReadsEveryGroup(uint256 seed, uint8 groups, bool acknowledged) public {
        bytes memory batch = _batch(seed, _within(groups, 1, 9), acknowledged);
        (bool settled, bytes memory facts) = _settle(batch);
        vm.assertTrue(settled, "settled");
        vm.assertTrue(_libraries.referenceDecode(batch).fault == ReferenceBatchLib.Fault.None, "reference");
        _checkFacts(batch, facts);
    }

    /// Wounded bytes are refused by both or read by both.
    function testFuzz_SettleRefusesWhatTheReferenceRefuses(uint256 seed, uint8 groups, uint256 wound) public {
        bytes memory batch = _wounded(_batch(seed, _within(groups, 1, 4), seed % 2 == 0), wound);
        ReferenceBatchLib.Batch memory expected = _libraries.referenceDecode(batch);
        // the attested lane would go on to judge an attestation, which is missing here, as are blobs
        if (expected.fault == ReferenceBatchLib.Fault.None && expected.lane == 1) return;
        // net batches have a reading of their own
        if (batch.length > 0 && (batch[0] == 0x01 || batch[0] == 0x02)) return;
        (bool settled, bytes memory result) = _settle(batch);
        vm.assertTrue(settled == (expected.fault == ReferenceBatchLib.Fault.None), "acceptance");
        if (settled) return _checkFacts(batch, result);
        bytes4 selector = bytes4(result);
        if (expected.fault == ReferenceBatchLib.Fault.Mode) {
            vm.assertTrue(selector == ISettlement.SettlementUnsupportedMode.selector, "mode");
        } else if (expected.fault == ReferenceBatchLib.Fault.Lane) {
            vm.assertTrue(selector == ISettlement.SettlementUnsupportedLane.selector, "lane");
        } else {
            vm.assertTrue(selector == MALFORMED, "malformed");
        }
    }

    function _settle(bytes memory batch) private returns (bool ok, bytes memory result) {
        // Bytes behind the batch must not be read as part of it.
        bytes memory call = abi.encodeCall(ISettlement.settle, (batch, hex""));
        vm.recordLogs();
        vm.prank(SENDER, SENDER);
        (ok, result) = address(_settlement).call(abi.encodePacked(call, hex"01ff", keccak256(batch)));
        if (ok) result = abi.decode(result, (bytes));
    }

    function _checkFacts(bytes memory batch, bytes memory facts) private {
        ReferenceBatchLib.Batch memory expected = _libraries.referenceDecode(batch);
        vm.assertEq(facts.length, RECORD * expected.groups.length, "facts");
        for (uint256 i = 0; i < facts.length; ++i) {
            vm.assertTrue(uint8(facts[i]) == (i % RECORD == 0 ? uint8(Outcome.DealNotOpen) : 0), "record");
        }
        bytes32 root = ReferenceBatchLib.root(expected, new bytes32[](expected.groups.length), new bytes32[](0));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[logs.length - 1].topics[2], root, "root");
    }

    function _batch(uint256 seed, uint256 groups, bool acknowledged) private pure returns (bytes memory batch) {
        batch = abi.encodePacked(uint8(0), acknowledged ? uint8(Lane.Acknowledged) : uint8(Lane.Forced));
        uint256 stream = 0;
        for (uint256 i = 0; i < groups; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 added = 1 + ((seed >> 240) % 4);
            stream += 1 + ((seed & type(uint32).max) >> (seed % 29));
            batch = abi.encodePacked(
                batch,
                uint40(stream),
                uint32(seed >> 32),
                uint40(seed >> 64),
                uint24((seed >> 104) % (2 ** 24 - 5)),
                uint16(added),
                uint40(seed >> 160),
                new bytes(acknowledged ? 128 : 64)
            );
            for (uint256 j = 0; j < added; ++j) {
                uint256 units = uint24(seed >> (128 + 8 * j)) >> ((seed >> 200) % 24);
                batch = abi.encodePacked(batch, uint24(units == 0 ? 1 : units), bytes32(seed));
            }
        }
    }

    function _wounded(bytes memory batch, uint256 wound) private pure returns (bytes memory) {
        uint256 place = (wound >> 8) % batch.length;
        if (wound % 2 == 0) place = place % 26; // the numbers in front decide most
        uint256 kind = (wound >> 128) % 5;
        if (kind == 0) return _part(batch, 0, place);
        if (kind == 1) return abi.encodePacked(batch, uint8(wound >> 136));
        if (kind == 2) return abi.encodePacked(_part(batch, 0, place), _part(batch, place + 1, batch.length));
        if (kind == 3) {
            return abi.encodePacked(_part(batch, 0, place), uint8(wound >> 136), _part(batch, place, batch.length));
        }
        batch[place] = bytes1(uint8(wound >> 136));
        return batch;
    }

    function _part(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) part[i - from] = data[i];
    }
}
