// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {Epochs} from "./base/Epochs.sol";
import {Groups} from "./base/Groups.sol";
import {Ledger} from "./base/Ledger.sol";
import {Netting} from "./base/Netting.sol";
import {Packing} from "./base/Packing.sol";
import {Records} from "./base/Records.sol";
import {Teller} from "./base/Teller.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Lane, Mode} from "./interfaces/ITypes.sol";
import {FactsLib} from "./libraries/FactsLib.sol";
import {ForwardLib} from "./libraries/ForwardLib.sol";
import {MerkleLib} from "./libraries/MerkleLib.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {SignatureLib} from "./libraries/SignatureLib.sol";
import {TallyLib} from "./libraries/TallyLib.sol";
import {Run, RunLib} from "./types/Run.sol";

/// @title Settlement
/// @notice See {ISettlement}.
/// @custom:invariant free + remaining of deals not closed + unmatured + claimable + fees <= tokens held
/// @custom:invariant a stream's receipts and units never fall while its deal lives
contract Settlement is ISettlement, Netting, Records, Epochs, Groups, Packing, Teller {
    uint256 private constant MIN_GROUP = 120; // head, signature and a segment's hash
    uint256 private constant MAX_BLOBS = 6;
    uint8 private constant CLAIM_TALLIES = 1;

    /// @notice Code of everything but settling and the teller's acts, run on this contract's state.
    ITallystick public immutable DESK;
    /// @notice Code that settles netted deals, run on this contract's state.
    address public immutable NETS;
    address private immutable _FAULTS;

    constructor(
        ITallystick desk,
        ICommittee committee,
        ILedger.Parameters memory initial,
        address treasury,
        address committeeTreasury
    ) Ledger(desk.authority(), IERC20Metadata(desk.TOKEN()), IRegistry(desk.REGISTRY())) Epochs(committee) {
        DESK = desk;
        NETS = desk.NETS();
        _FAULTS = desk.FAULTS();
        _head.clock = uint32(block.timestamp);
        _head.touched = uint32(block.timestamp);
        _setParameters(initial);
        _setTreasuries(treasury, committeeTreasury);
    }

    /// @notice Refuses ether; the settlement holds one token only.
    receive() external payable {
        revert SettlementNoEther();
    }

    /// @notice Every call that is not settling's own goes to the desk, and proofs straight to the code of faults.
    fallback() external payable {
        ForwardLib.forward(_isProof(msg.sig) ? _FAULTS : address(DESK));
    }

    /// @inheritdoc ISettlement
    function settle(bytes calldata batch, bytes calldata authority) external returns (bytes memory facts) {
        // tx.origin, because the bytes must stand in the transaction's own input, where anyone can read them.
        // An account with delegated code could call itself first, hence no code either.
        // solhint-disable-next-line avoid-tx-origin
        require(msg.sender == tx.origin && msg.sender.code.length == 0, SettlementNotTopLevel(msg.sender));
        if (batch.length != 0 && uint8(batch[0]) == uint8(Mode.Net)) ForwardLib.forward(NETS);
        RunLib.reserve();
        Run memory run = _begin(batch);
        (run.leavesAt, facts) = _open(batch.length / MIN_GROUP + 1);
        uint256 factsAt;
        assembly ("memory-safe") {
            factsAt := add(facts, 0x20)
        }
        run.factsAt = factsAt;
        run.skipped = new bytes((batch.length / MIN_GROUP + 8) / 8);
        _settleGroups(run);
        require(run.offset == run.end, SettlementMalformedBatch(run.end - run.batchAt));

        FactsLib.cut(facts, run.groups);
        bytes memory applied = _invert(run.skipped, run.groups);
        bytes32 root = _root(run, batch);
        if (run.lane == ATTESTED) {
            uint8 claims = _verifyAttestation(root, authority);
            require(claims & CLAIM_TALLIES != 0, SettlementNothingClaimed(claims));
            if (_isAny(applied)) _chain(root, FactsLib.root(facts), run.clock);
        } else if (run.lane == FORCED) {
            _requireForceAuthority(run, root, authority);
        }
        emit Settled(Lane(run.lane), root, Mode(run.mode), applied, uint32(run.clock));
    }

    /// @inheritdoc ISettlement
    function intervalChain(uint32 interval) external view returns (bytes26 chain, uint16 count) {
        uint256 word = _ring[interval % INTERVALS];
        if (uint32(word >> 16) != interval) return (0, 0);
        return (bytes26(bytes32(word)), uint16(word));
    }

    /// @inheritdoc ISettlement
    function streamRecord(uint32 id, uint8 index) external view returns (bytes27 chain, uint32 time) {
        if (index >= MAX_STREAMS) return (0, 0);
        uint256 word = _records[(uint256(id) << 6) | index];
        return (bytes27(bytes32(word)), uint32(word));
    }

    function _begin(bytes calldata batch) private returns (Run memory run) {
        require(batch.length > 2, SettlementMalformedBatch(batch.length));
        RunLib.complete(run);
        run.mode = uint8(batch[0]);
        run.lane = uint8(batch[1]);
        require(run.mode <= BLOB, SettlementUnsupportedMode(uint8(run.mode)));
        require(
            run.lane < FORCED || (run.lane == FORCED && run.mode == CALLDATA),
            SettlementUnsupportedLane(uint8(run.lane))
        );
        run.clock = _touch();
        run.today = run.clock / DAY;
        run.dueIn = run.lane == FORCED ? _forcedDueUp(run.clock) : _attestedDueUp();
        run.closingPeriod = _head.closingPeriod;
        run.domain = _domainSeparatorV4();
        run.signatures = run.lane == ACKNOWLEDGED ? 2 * SignatureLib.SIZE : SignatureLib.SIZE;
        uint256 start;
        assembly ("memory-safe") {
            start := batch.offset
        }
        (run.batchAt, run.offset, run.end) = (start, start + 2, start + batch.length);
        (run.id, run.judged, run.cellsKey, run.quad) = (NONE, NONE, NONE, NONE);
        (run.dealPage, run.firstWorker) = (NONE, NONE);
        uint256 cells;
        uint256 rooms;
        uint256 moreCells;
        assembly ("memory-safe") {
            cells := _cells.slot
            rooms := _rooms.slot
            moreCells := _moreCells.slot
        }
        (run.cellsMapping, run.roomsMapping, run.moreCellsMapping) = (cells, rooms, moreCells);
        TallyLib.open(run.domain);
        if (run.mode == BLOB) run.offset = start + _skipBlobs(batch);
    }

    /// @notice Root over the groups' tallies, bound to their number, their mode and the blobs they are in.
    function _root(Run memory run, bytes calldata batch) private view returns (bytes32) {
        uint256 groups = run.groups;
        bytes32 blobs = run.mode == BLOB ? _blobsHash(batch, groups) : bytes32(0);
        return keccak256(abi.encode(run.mode, groups, MerkleLib.chunkedRootInPlace(run.leavesAt, groups), blobs));
    }

    function _blobsHash(bytes calldata batch, uint256 groups) private view returns (bytes32) {
        uint256 count = uint8(batch[2]);
        bytes memory table;
        for (uint256 i = 0; i < count; ++i) {
            bytes2 inBlob = bytes2(batch[3 + 2 * i:5 + 2 * i]);
            bytes32 versionedHash = blobhash(i);
            require(versionedHash != 0, SettlementBlobMissing(i));
            require(inBlob != 0 && uint16(inBlob) <= groups, SettlementMalformedBatch(3 + 2 * i));
            groups -= uint16(inBlob);
            table = bytes.concat(table, versionedHash, inBlob);
        }
        require(groups == 0 && blobhash(count) == 0, SettlementMalformedBatch(2));
        return keccak256(table);
    }

    function _requireForceAuthority(Run memory run, bytes32 root, bytes calldata authority) private view {
        uint32 provider = uint32(run.forceProvider);
        if (provider == 0) return; // nothing was even signed by a worker, so nothing moved
        address signer = msg.sender;
        if (authority.length != 0) {
            bytes32 hash = MessageLib.forceHash(root, msg.sender);
            signer = SignatureLib.recover(MessageLib.digest(run.domain, hash), authority);
            if (signer == run.forceWorker && signer != SEVERAL) return;
        }
        require(
            signer != address(0) && REGISTRY.isOperator(provider, signer),
            SettlementForceUnauthorized(provider, msg.sender)
        );
    }

    /// @dev The table of a blob batch: number of blobs (1), groups in each (2).
    function _skipBlobs(bytes calldata batch) private pure returns (uint256) {
        uint256 count = uint8(batch[2]);
        require(count != 0 && count <= MAX_BLOBS, SettlementMalformedBatch(2));
        return 3 + 2 * count;
    }

    /// @notice The first `count` bits of a bitmap turned round, the others zero, in place.
    function _invert(bytes memory bitmap, uint256 count) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            let length := shr(3, add(count, 7))
            mstore(bitmap, length)
            for {
                let at_ := add(bitmap, 0x20)
                let end := add(at_, length)
            } lt(at_, end) {
                at_ := add(at_, 0x20)
            } {
                mstore(at_, not(mload(at_)))
            }
            // the last byte's bits beyond `count`
            let last := add(bitmap, length)
            let used := sub(shl(sub(8, and(sub(0, count), 7)), 1), 1)
            mstore(last, and(mload(last), or(not(0xff), used)))
        }
        return bitmap;
    }

    function _isAny(bytes memory bitmap) private pure returns (bool any) {
        for (uint256 i = 0; i < bitmap.length && !any; ++i) any = bitmap[i] != 0;
    }

    /// @dev Zero is a factor if the selector is one of them. Seven factors of 32 bits do not overflow.
    function _isProof(bytes4 selector) private pure returns (bool) {
        uint256 its = uint32(selector);
        unchecked {
            uint256 signed =
                (its ^ uint32(IFaults.proveEquivocation.selector)) *
                    (its ^ uint32(IFaults.proveOverlap.selector)) *
                    (its ^ uint32(IFaults.proveOverclaim.selector));
            uint256 shown =
                (its ^ uint32(IFaults.proveDuplicate.selector)) *
                    (its ^ uint32(IFaults.proveOverMaximum.selector)) *
                    (its ^ uint32(IFaults.proveDoubleSelling.selector));
            return signed * shown * (its ^ uint32(IFaults.proveNoShow.selector)) == 0;
        }
    }

    /// @notice Memory for at most `groups` leaves and records, uninitialized.
    function _open(uint256 groups) private pure returns (uint256 leavesAt, bytes memory facts) {
        assembly ("memory-safe") {
            leavesAt := mload(0x40)
            mstore(0x40, add(leavesAt, shl(5, groups)))
        }
        facts = FactsLib.open(groups);
    }
}
