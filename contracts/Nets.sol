// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {Epochs} from "./base/Epochs.sol";
import {Ledger} from "./base/Ledger.sol";
import {NetForces} from "./base/NetForces.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {INets} from "./interfaces/INets.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Lane, Mode} from "./interfaces/ITypes.sol";
import {CommitteePages} from "./libraries/CommitteePages.sol";
import {NetBatchLib} from "./libraries/NetBatchLib.sol";
import {Epoch} from "./types/Epoch.sol";
import {Purse} from "./types/Purse.sol";
import {Terms} from "./types/Terms.sol";
import {LongWheel, RoomLib, Wheel} from "./types/Wheel.sol";

/// @title Nets
/// @notice See {INets}, and {ISettlement-settle} for batches of mode 2.
/// @dev Code only, like the desk: the settlement runs it on its own state by delegatecall. Called at its own address it
/// refuses to move anything.
contract Nets is NetForces, Epochs {
    uint256 private constant CLAIM_TALLIES = 1;
    uint256 private constant BOND_BITS = 32;
    uint256 private constant BONDS_PER_WORD = 8;
    /// @dev No word.
    uint256 private constant NONE = type(uint256).max;

    constructor(
        address authority,
        IERC20Metadata token,
        IRegistry registry,
        ICommittee committee
    ) Ledger(authority, token, registry) Epochs(committee) {}

    /// @notice Settles a batch of mode 2; the settlement hands it on from its own `settle`.
    /// @dev Anything wrong reverts the batch whole: members agree on it before they sign.
    /// @return facts Empty: what happened to the groups stands in the blobs.
    function settle(bytes calldata batch, bytes calldata authority) external returns (bytes memory facts) {
        uint256 now_ = _touch();
        NetBatchLib.Head memory head = NetBatchLib.read(batch);
        require(now_ <= head.until, NetsExpired(now_, head.until));
        bytes32 previous = _netRoot;
        if (head.root != previous) {
            require(head.deals != 0, NetsNothingRecorded());
            _netRoot = head.root;
        }
        bytes32 root = NetBatchLib.rootOf(batch, _blobsHash(head.blobs), previous, _advanceQueue(head.queueTo, now_));
        uint256 credits = _credit(batch, head, now_ / DAY);
        uint256 debits = _debit(batch, head);
        require(credits == debits, NetsUnbalanced(credits, debits));

        (uint256 claims, uint256 epoch, uint256 members) = _attestation(root, authority);
        require(claims & CLAIM_TALLIES != 0, ISettlement.SettlementNothingClaimed(uint8(claims)));
        (uint256 open, uint256 bonds) = (_addOpen(credits, now_ / DAY), _bondsOf(epoch, members));
        require(open <= bonds, NetsBeyondBonds(open, bonds));
        _chain(root, bytes32(0), now_);
        emit ISettlement.Settled(Lane.Attested, root, Mode.Net, "", uint32(now_));
        return "";
    }

    /// @inheritdoc INets
    function refreshBonds() external {
        (uint256 current, uint256 last) = epochs();
        _readBonds(Epoch.wrap(current));
        _readBonds(Epoch.wrap(last));
    }

    /// @inheritdoc INets
    function netRoot() external view returns (bytes32) {
        return _netRoot;
    }

    /// @inheritdoc INets
    function netDeal(uint32 id) external view returns (bytes32 key, uint256 terms, uint256 purse, address buyer) {
        Deal storage self = _deals[id];
        return (self.key, Terms.unwrap(self.terms), Purse.unwrap(self.purse), self.buyer);
    }

    /// @inheritdoc INets
    function netQueue() external view returns (uint32 from, uint32 to) {
        return (_netHead.queueFrom, _netHead.queueTo);
    }

    /// @inheritdoc INets
    function netBuyer(address buyer) external view returns (uint32 index, uint32 deals, uint64 budgets, uint64 netted) {
        NetBuyer memory self = _netBuyers[buyer];
        if (self.number == 0) return (0, 0, 0, 0);
        index = self.number - 1;
        return (index, self.deals, self.budgets, uint64(_nettedOf(index)));
    }

    /// @inheritdoc INets
    function openNets(uint32 epoch, uint32 members) external view returns (uint64 open, uint256 bonds) {
        LongWheel wheel = _openNets.forward(_clockOf(_head) / DAY - _openNets.day());
        return (uint64(wheel.total()), _bondsOf(epoch, members));
    }

    /// @dev The first credit of a provider's day, and those its room is too small for, go through its wheel.
    function _credit(bytes calldata batch, NetBatchLib.Head memory head, uint256 today) private returns (uint256 sum) {
        uint256 dueIn = _attestedDueUp();
        uint256 last = 0;
        uint256 quad = NONE;
        uint256 rooms = 0;
        unchecked {
            // Amounts are below 2^56, and there are fewer than 2^16.
            uint256 position = head.netsAt;
            for (
                uint256 end = position + NetBatchLib.NET * head.providers;
                position < end;
                position += NetBatchLib.NET
            ) {
                (uint256 provider, uint256 net) = NetBatchLib.netAt(batch, position);
                require(provider > last, NetsNotRising(position));
                last = provider;
                sum += net;
                if (provider / RoomLib.PER_WORD != quad) {
                    if (quad != NONE) _rooms[quad] = rooms;
                    quad = provider / RoomLib.PER_WORD;
                    rooms = _rooms[quad];
                }
                uint256 shift = CELL_BITS * (provider % RoomLib.PER_WORD);
                uint256 room = uint64(rooms >> shift);
                if (uint16(room) == today && net <= room >> 16) {
                    rooms -= net << (shift + 16);
                } else {
                    _rooms[quad] = rooms;
                    _creditWheel(provider, net, today, dueIn);
                    rooms = _rooms[quad];
                }
            }
        }
        if (quad != NONE) _rooms[quad] = rooms;
    }

    function _creditWheel(uint256 provider, uint256 net, uint256 today, uint256 dueIn) private {
        Wheel wheel = _loadNow(provider, today);
        require(int256(net) <= wheel.room(), NetsUncovered(provider, net));
        _storeIssued(provider, _creditUnmatured(provider, wheel, net, dueIn), today);
    }

    function _debit(bytes calldata batch, NetBatchLib.Head memory head) private returns (uint256 sum) {
        uint256 next = 0;
        uint256 position = head.netsAt + NetBatchLib.NET * head.providers;
        uint256 quad = NONE;
        uint256 cells = 0;
        unchecked {
            // As above.
            for (uint256 end = batch.length; position < end; position += NetBatchLib.NET) {
                (uint256 index, uint256 net) = NetBatchLib.netAt(batch, position);
                require(index >= next, NetsNotRising(position));
                next = index + 1;
                sum += net;
                if (index / CELLS != quad) {
                    if (quad != NONE) _netted[quad] = cells;
                    quad = index / CELLS;
                    cells = _netted[quad];
                }
                uint256 shift = CELL_BITS * (index % CELLS);
                uint256 netted = uint64(cells >> shift);
                require(net <= netted, NetsBuyerShort(index, netted, net));
                cells -= net << shift;
            }
        }
        if (quad != NONE) _netted[quad] = cells;
    }

    /// @return from Where the queue stood before.
    function _advanceQueue(uint256 to, uint256 now_) private returns (uint256 from) {
        NetHead memory head = _netHead;
        from = head.queueFrom;
        bool whole = to == head.queueTo;
        bool inside = to >= from && to < head.queueTo;
        require(
            whole || (inside && now_ < uint32(_announced[to % QUEUE]) + FORCE_DELAY),
            NetsQueue(to, from, head.queueTo)
        );
        if (to != from) _netHead.queueFrom = uint32(to);
    }

    /// @notice Adds nets of today to those that have not matured.
    function _addOpen(uint256 amount, uint256 today) private returns (uint256 open) {
        LongWheel wheel = _openNets;
        wheel = wheel.forward(today - wheel.day()).add(_attestedDueUp() - 1, amount);
        _openNets = wheel;
        return wheel.total();
    }

    function _readBonds(Epoch epoch) private {
        uint256 members = epoch.members();
        uint256 first = CommitteePages.load(epoch.page(), members);
        uint256 word = 0;
        for (uint256 i = 0; i < members; ++i) {
            address signer = CommitteePages.signerAt(first + i * CommitteePages.SIGNER);
            uint256 tokens = REGISTRY.bondOf(signer).stake / STAKE_UNIT;
            if (tokens > type(uint32).max) tokens = type(uint32).max;
            word |= tokens << (BOND_BITS * (i % BONDS_PER_WORD));
            if (i % BONDS_PER_WORD == BONDS_PER_WORD - 1 || i == members - 1) {
                _bonds[epoch.number()][i / BONDS_PER_WORD] = word;
                word = 0;
            }
        }
    }

    /// @notice Value of members' bonds, settlement token base units, rounded down.
    function _bondsOf(uint256 epoch, uint256 members) private view returns (uint256) {
        uint256 tokens = 0;
        uint256 word = 0;
        unchecked {
            for (uint256 i = 0; members >> i != 0; ++i) {
                if (i % BONDS_PER_WORD == 0) word = _bonds[epoch][i / BONDS_PER_WORD];
                if ((members >> i) & 1 != 0) tokens += uint32(word >> (BOND_BITS * (i % BONDS_PER_WORD)));
            }
            return tokens * _rules.stakeValue; // below 2^37 and 2^32
        }
    }

    /// @notice Hash of the transaction's blobs, which must be as many as the batch names.
    function _blobsHash(uint256 count) private view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = blobhash(i);
            require(hashes[i] != 0, ISettlement.SettlementBlobMissing(i));
        }
        require(blobhash(count) == 0, ISettlement.SettlementBlobMissing(count));
        return keccak256(abi.encodePacked(hashes));
    }
}
