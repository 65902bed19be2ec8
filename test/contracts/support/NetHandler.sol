// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../../../contracts/interfaces/IEarnings.sol";
import {INets} from "../../../contracts/interfaces/INets.sol";
import {DealTerms, Kind, Mode, Offer, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {World} from "./World.sol";

/// @notice The one cheatcode that nothing else needs.
interface StoreVm {
    function store(address account, bytes32 slot, bytes32 word) external;
}

/// @notice Random acts on netted deals under a committee that signs anything: nets for no work, roots out of thin air.
/// @dev Net roots here have one leaf at most, so that the handler can give the path of every deal by hand. The runner's
/// transactions carry no blobs, without which a batch moves no root: the handler writes it where the settlement keeps it.
contract NetHandler is World {
    struct Job {
        uint32 id;
        bytes32 key;
        uint256 buyer;
        uint256 provider;
        uint64 budget;
        uint8 streams;
        uint256 end;
        bool netted;
        bool closed;
    }

    uint256 public constant BUYERS = 2;
    uint256 public constant PROVIDERS = 2;
    uint64 private constant PRICE = 1000;
    uint256 private constant CLOSING = 2 hours;
    uint256 private constant GRACE = 3 hours;
    uint256 private constant RETENTION = 5 days;
    bytes32 private constant ROOT_SLOT = bytes32(uint256(21)); // test/snapshots/Settlement.json

    Job[] private _jobs;
    uint40[PROVIDERS] private _workers;
    /// @dev The only leaf under the net root; none if its bytes are empty.
    bytes private _leaf;
    uint32 private _leafId;
    bool private _unknown;
    uint256 private _salt;
    /// @notice Batches that took what was not there.
    uint256 public overdrawn;
    /// @notice Acts by name that did what they are for.
    mapping(string act => uint256 count) public done;

    constructor() {
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            address owner = vm.addr(_key("provider", i));
            stakeToken.mint(owner, 300 * STAKE);
            vm.prank(owner);
            stakeToken.approve(address(registry), type(uint256).max);
            Permit memory none;
            vm.prank(owner);
            registry.join(uint96(300 * STAKE), none, owner, address(0), abi.encodePacked(vm.addr(_key("worker", i))));
            _workers[i] = uint40((i + 1) * 512);
        }
        for (uint256 i = 0; i < BUYERS; ++i) {
            dollar.mint(buyer(i), 1000 * USD);
            vm.prank(buyer(i));
            dollar.approve(address(tally), type(uint256).max);
            vm.prank(buyer(i));
            tally.deposit(buyer(i), uint64(1000 * USD));
        }
        stakeToken.mint(address(this), 10_000 * STAKE);
        stakeToken.approve(address(registry), type(uint256).max);
        for (uint256 i = 0; i < MEMBERS; ++i) {
            address signer = vm.addr(_memberKey(i));
            vm.prank(signer);
            registry.nameBondOwner(signer, address(this));
            _bond(i, 100 * STAKE);
        }
    }

    function jobs() external view returns (Job[] memory) {
        return _jobs;
    }

    function open(uint256 seed) external {
        uint256 provider = (seed >> 8) % PROVIDERS;
        uint64 budget = uint64(_within(seed >> 16, USD, 60 * USD));
        uint256 who = seed % BUYERS;
        (uint64 free, , ) = tally.account(buyer(who));
        if (free < budget) return;
        Offer memory offer;
        offer.provider = vm.addr(_key("provider", provider));
        offer.salt = bytes32(++_salt);
        offer.kind = uint8(Kind.Service);
        (offer.price, offer.rateCap) = (PRICE, type(uint32).max);
        (offer.minBudget, offer.maxBudget, offer.total) = (1, budget, budget);
        offer.openingFee = uint64(((seed >> 80) % 2) * (budget / 20));
        (offer.maxDuration, offer.expiry) = (3 days, type(uint32).max);
        bool netted = (seed >> 81) % 4 != 0;
        (offer.mode, offer.maxStreams) = (uint8(netted ? Mode.Net : Mode.Calldata), 62);
        DealTerms memory terms;
        (terms.budget, terms.exposure) = (budget, uint48((seed >> 90) % 2 == 0 ? 20_000 : 1e9));
        terms.duration = uint32(_within(seed >> 100, 1 hours, 3 days));
        terms.streams = uint8(_within(seed >> 120, 1, 6));
        bytes memory signature = _signOffer(_key("provider", provider), offer);
        vm.prank(buyer(who));
        uint32 id = tally.openDeal(offer, signature, terms);
        _jobs.push(
            Job(id, tally.deal(id).key, who, provider, budget, terms.streams, tally.deal(id).end, netted, false)
        );
        ++done["open"];
    }

    /// @notice Nets for no work at all, as far as money, cover and bonds let them pass.
    function takeNets(uint256 seed) external {
        if (_settle(seed)) ++done["takeNets"];
    }

    /// @notice The same with a root that says of one deal whatever the seed says.
    function misstate(uint256 seed) external {
        if (_jobs.length == 0) return;
        Job memory job = _jobs[seed % _jobs.length];
        bytes memory leaf = abi.encodePacked(job.key);
        for (uint256 i = 0; i < job.streams; ++i) {
            uint256 units = uint256(keccak256(abi.encode(seed, i))) % 80_000;
            leaf = abi.encodePacked(leaf, uint64((uint256(1) << 40) | units));
        }
        if (!_settle(seed)) return;
        _moveRoot(_climb(keccak256(leaf), job.id, 32));
        (_leaf, _leafId, _unknown) = (leaf, job.id, false);
        ++done["misstate"];
    }

    /// @notice The same with a root whose leaves nobody knows.
    function hide(uint256 seed) external {
        if (seed % 4 != 0) return;
        if (!_settle(seed)) return;
        _moveRoot(keccak256(abi.encode(seed)));
        _unknown = true;
        ++done["hide"];
    }

    /// @notice A batch that takes one unit of money more than there is.
    function overdraw(uint256 seed) external {
        uint256 who = seed % BUYERS;
        (uint32 index, uint32 deals, , uint64 netted) = tally.netBuyer(buyer(who));
        if (deals == 0) return;
        bytes memory nets = abi.encodePacked(
            uint16(1),
            uint16(1),
            uint32(1),
            uint56(netted + 1),
            index,
            uint56(netted + 1)
        );
        if (_send(nets)) ++overdrawn;
        ++done["overdraw"];
    }

    /// @notice Announces a receipt and executes it an hour later.
    function force(uint256 seed) external {
        _pass(10 minutes); // what a stream may be paid for grows with time
        uint256 place = _find(seed, tally.clock());
        if (place == 0 || _unknown) return;
        Job memory job = _jobs[place - 1];
        uint256 stream = (seed >> 8) % job.streams;
        uint64 cell = _cellOf(job, stream);
        uint256 units = _within(seed >> 16, 1, 30_000);
        bytes memory group = _group(job, stream, cell >> 40, (cell & type(uint40).max) + units, units);
        address owner = vm.addr(_key("provider", job.provider));
        (bool ok, bytes memory answer) = _callFrom(owner, abi.encodeCall(INets.announceForce, (group, "")));
        if (!ok) return;
        uint32 index = abi.decode(answer, (uint32));
        _passTo(tally.clock() + 1 hours);
        _passTo(((tally.clock() + 899) / 900) * 900 + 1);
        (bytes memory leaf, INets.NetPath memory path) = _pathOf(job.id);
        (ok, ) = address(tally).call(abi.encodeCall(INets.executeForce, (index, group, leaf, path)));
        if (!ok) return;
        // the leaf that moved is the only one only if none or the same was there before
        if (_leaf.length == 0 || _leafId == job.id) {
            bytes memory next = abi.encodePacked(job.key);
            for (uint256 i = 0; i < job.streams; ++i) {
                uint64 other =
                    i == stream
                        ? uint64((((cell >> 40) + 1) << 40) | ((cell & type(uint40).max) + units))
                        : _cellOf(job, i);
                next = abi.encodePacked(next, other);
            }
            (_leaf, _leafId) = (next, job.id);
        } else {
            _unknown = true;
        }
        ++done["force"];
    }

    function close(uint256 seed) external {
        uint256 place = _find(seed, 0);
        if (place == 0) return;
        Job storage job = _jobs[place - 1];
        _passTo(job.end + CLOSING + GRACE);
        if (!job.netted) {
            tally.close(job.id);
        } else if (_unknown) {
            _passTo(job.end + CLOSING + RETENTION);
            tally.closeUnproven(job.id);
            ++done["closeUnproven"];
        } else {
            (bytes memory leaf, INets.NetPath memory path) = _pathOf(job.id);
            tally.closeNet(job.id, leaf, path);
            ++done["closeNet"];
        }
        job.closed = true;
    }

    function claim(uint256 seed) external {
        uint32 provider = uint32(1 + (seed % PROVIDERS));
        if (tally.earnings(provider).claimable != 0) tally.claim(provider);
        ++done["claim"];
    }

    function withdraw(uint256 seed) external {
        uint256 who = seed % BUYERS;
        (uint64 free, , ) = tally.account(buyer(who));
        uint64 amount = free / 50;
        if (amount == 0) return;
        vm.prank(buyer(who));
        tally.withdraw(buyer(who), amount);
        ++done["withdraw"];
    }

    function changeBonds(uint256 seed) external {
        address signer = vm.addr(_memberKey(seed % MEMBERS));
        uint96 amount = uint96(_within(seed >> 8, STAKE / 2, 40 * STAKE));
        if ((seed >> 7) % 2 == 0 || registry.bondOf(signer).stake < amount) _bond(seed % MEMBERS, amount);
        else registry.thawBond(signer, amount);
        ++done["changeBonds"];
    }

    function wait(uint256 seed) external {
        _pass(_within(seed, 1, 30 hours));
        ++done["wait"];
    }

    function buyer(uint256 index) public pure returns (address) {
        return vm.addr(_key("buyer", index));
    }

    function _bond(uint256 index, uint256 amount) private {
        Permit memory none;
        registry.bond(vm.addr(_memberKey(index)), uint96(amount), none);
    }

    function _moveRoot(bytes32 root) private {
        StoreVm(address(vm)).store(address(tally), ROOT_SLOT, root);
        require(tally.netRoot() == root, "the root stands elsewhere");
    }

    /// @dev Random nets, of what buyers have and providers may have.
    function _settle(uint256 seed) private returns (bool ok) {
        uint256[2] memory takes;
        bytes memory buyers;
        uint256 count = 0;
        uint256 sum = 0;
        for (uint256 index = 0; index < BUYERS; ++index) {
            for (uint256 i = 0; i < BUYERS; ++i) {
                (uint32 number, uint32 deals, , uint64 netted) = tally.netBuyer(buyer(i));
                if (deals == 0 || number != index || netted == 0) continue;
                takes[i] = uint256(keccak256(abi.encode(seed, i))) % (netted + 1);
                sum += takes[i];
                ++count;
                buyers = abi.encodePacked(buyers, number, uint56(takes[i]));
            }
        }
        uint256 first = sum == 0 ? 0 : uint256(keccak256(abi.encode(seed))) % (sum + 1);
        bytes memory nets = abi.encodePacked(uint16(2), uint16(count), uint32(1), uint56(first));
        nets = abi.encodePacked(nets, uint32(2), uint56(sum - first), buyers);
        return _send(nets);
    }

    /// @dev Lets all members but the first sign a batch, and sends it.
    function _send(bytes memory nets) private returns (bool ok) {
        (uint32 queueFrom, uint32 queueTo) = tally.netQueue();
        bytes32 netRoot = tally.netRoot();
        uint32 until = uint32(tally.clock() + 1 hours);
        bytes memory batch = abi.encodePacked(uint8(2), uint8(1), until, queueTo, netRoot, uint8(0), nets);
        bytes32 root = keccak256(abi.encode(uint8(2), keccak256(batch), keccak256(""), netRoot, queueFrom));
        bytes memory authority = _attest(root, 0);
        (ok, ) = _callFrom(RELAYER, abi.encodeWithSignature("settle(bytes,bytes)", batch, authority));
    }

    function _callFrom(address from, bytes memory data) private returns (bool, bytes memory) {
        vm.prank(from, from);
        return address(tally).call(data);
    }

    function _group(
        Job memory job,
        uint256 stream,
        uint256 cursor,
        uint256 units,
        uint256 added
    ) private view returns (bytes memory) {
        bytes memory receipts = abi.encodePacked(uint24(added), keccak256("work"));
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)"),
                job.key,
                stream,
                cursor,
                cursor + 1,
                units,
                keccak256(receipts)
            )
        );
        bytes memory head = abi.encodePacked(
            uint40((uint256(job.id) << 6) | stream),
            uint32(0),
            _workers[job.provider],
            uint24(cursor),
            uint16(1),
            uint40(units)
        );
        return abi.encodePacked(head, _signCompact(_key("worker", job.provider), _digest(hash)), receipts);
    }

    function _cellOf(Job memory job, uint256 stream) private view returns (uint64) {
        if (_leaf.length == 0 || _leafId != job.id || bytes32(_leaf) != job.key) return 0;
        bytes memory leaf = _leaf;
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(add(leaf, 0x40), mul(8, stream)))
        }
        return uint64(word >> 192);
    }

    /// @dev What stands at a deal's id, and the way from there to the root.
    function _pathOf(uint32 id) private view returns (bytes memory leaf, INets.NetPath memory path) {
        if (_leaf.length == 0) return ("", path);
        if (id == _leafId) return (_leaf, path);
        uint256 level = 31;
        while ((id >> level) & 1 == (_leafId >> level) & 1) --level;
        path.mask = uint32(1 << level);
        path.siblings = new bytes32[](1);
        path.siblings[0] = _climb(keccak256(_leaf), _leafId, level);
    }

    function _climb(bytes32 node, uint256 id, uint256 levels) private pure returns (bytes32) {
        for (uint256 level = 0; level < levels; ++level) {
            node = (id >> level) & 1 == 1 ? keccak256(abi.encode(bytes32(0), node)) : keccak256(abi.encode(node, 0));
        }
        return node;
    }

    /// @dev A deal that is not closed, from `seed` on, and if `clock` is not zero a netted one that goes on then. Its
    /// place plus one, 0 if there is none.
    function _find(uint256 seed, uint256 clock) private view returns (uint256) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            uint256 place = ((seed % _jobs.length) + i) % _jobs.length;
            Job storage job = _jobs[place];
            if (!job.closed && (clock == 0 || (job.netted && job.end > clock))) return place + 1;
        }
        return 0;
    }

    function _passTo(uint256 clock) private {
        uint256 now_ = tally.clock();
        if (clock > now_) _pass(clock - now_);
    }
}
